import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import { breaker, type Breaker } from './breaker.ts';

const open: Breaker<[string], string>[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function sample(options: { resetAfterMs?: number; isFailure?: (error: unknown) => boolean } = {}) {
  const world = { healthy: true, calls: 0 };
  const made = breaker({ name: 'registry official', atLeastCalls: 3, ...options }, (text: string) => {
    world.calls++;
    return world.healthy ? Promise.resolve(`${text}!`) : Promise.reject(new PlatformError('UPSTREAM_FAILED', 'no'));
  });
  open.push(made);
  return { world, breaker: made };
}

async function failures(circuit: Breaker<[string], string>, times: number) {
  for (let time = 0; time < times; time++) await circuit.call('x').catch(() => undefined);
}

describe('breaker', () => {
  test('what works passes', async () => {
    const { breaker: circuit } = sample();
    expect(await circuit.call('hello')).toBe('hello!');
    expect(circuit.state).toBe('closed');
  });

  test('what keeps failing is left alone, and the caller learns for how long', async () => {
    const { world, breaker: circuit } = sample();
    world.healthy = false;
    await expect(circuit.call('x')).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    await failures(circuit, 3);
    expect(circuit.state).toBe('open');
    const calls = world.calls;
    await expect(circuit.call('x')).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfterSeconds: 30 } });
    expect(world.calls).toBe(calls);
  });

  test('an error that says nothing of the other side does not open it', async () => {
    const { world, breaker: circuit } = sample({ isFailure: () => false });
    world.healthy = false;
    await failures(circuit, 10);
    expect(circuit.state).toBe('closed');
  });

  test('one success after the pause closes it again', async () => {
    const { world, breaker: circuit } = sample({ resetAfterMs: 1 });
    world.healthy = false;
    await failures(circuit, 4);
    world.healthy = true;
    let answer = '';
    while (answer === '') answer = await circuit.call('back').catch(() => new Promise((r) => setImmediate(r, '')));
    expect(answer).toBe('back!');
    expect(circuit.state).toBe('closed');
  });
});
