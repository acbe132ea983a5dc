import { expect, test } from '@jest/globals';
import { Pending, within } from './pending.ts';

const LONG_MS = 60_000;

function pending(options: { deadlineMs?: number; signal?: AbortSignal; ended?: () => void } = {}): Pending<string> {
  return new Pending<string>({ deadlineMs: LONG_MS, late: () => new Error('too late'), ...options });
}

test('the first end counts, and ends it once', async () => {
  let ends = 0;
  const wait = pending({ ended: () => (ends += 1) });
  wait.resolve('answer');
  wait.reject(new Error('afterwards'));
  expect(await wait.promise).toBe('answer');
  expect(wait.settled).toBe(true);
  expect(ends).toBe(1);
});

test('the deadline ends it with the error for being late', async () => {
  await expect(pending({ deadlineMs: 1 }).promise).rejects.toThrow('too late');
});

test("the caller's signal ends it with the caller's reason", async () => {
  const caller = new AbortController();
  const wait = pending({ signal: caller.signal });
  caller.abort(new Error('the user went away'));
  await expect(wait.promise).rejects.toThrow('the user went away');
});

test('within gives the result, the error, or nothing when it takes too long', async () => {
  expect(await within(Promise.resolve('done'), LONG_MS)).toBe('done');
  await expect(within(Promise.reject(new Error('failed')), LONG_MS)).rejects.toThrow('failed');
  expect(await within(new Promise(() => undefined), 1)).toBeUndefined();
});
