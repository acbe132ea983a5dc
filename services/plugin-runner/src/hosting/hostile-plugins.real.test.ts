import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RunFilters, RunHook, RunMiddleware } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { ACME, HOSTILE, Neighbourhood } from '../testing/neighbourhood.ts';
import { isAlive } from '../testing/runner-process.ts';

const INSTALLED = { state: 'installed', desired: 'disabled' } as const;

/** Every plugin of `testing/hostile` hurts only itself. */
describe('a hostile plugin', () => {
  let place: Neighbourhood;
  beforeAll(async () => {
    place = await Neighbourhood.open({ HANDLER_LIMIT_MS: '1000' });
  });
  afterEach(() => place.forget());
  afterAll(() => place.close());

  test.each([
    ['endless-loop', 'hang', 'busy'],
    ['heap-bomb', 'memory', 'memory'],
    ['buffer-bomb', 'memory', 'memory'],
    ['disconnects', 'signal', 'SIGKILL'],
    ['garbage-on-its-channel', 'unhandled', 'wrote into the pipe'],
    ['endless-message', 'unhandled', 'wrote into the pipe'],
    ['rejects', 'unhandled', 'left alone'],
    ['throws-later', 'unhandled', 'thrown later'],
  ])('that is %s is ended and reported once: %s', async (file, reason, message) => {
    await place.enabled(file);
    const pid = (await place.isolate())?.pid as number;
    await place.unhurt(async () => {
      await place.provoke();
      await eventually(() => expect(place.failures).toHaveLength(1));
    });
    expect(place.failures).toEqual([
      expect.objectContaining({ tenant: ACME, reason, message: expect.stringContaining(message) }),
    ]);
    expect(isAlive(pid)).toBe(false);
    expect((await place.request('/seen')).status).toBe(404);
  });

  test.each(['thread-pool-hog', 'ten-thousand-timers', 'log-flood', 'deep-recursion', 'giant-event'])(
    'that is %s goes on, and so does everybody else',
    async (file) => {
      await place.enabled(file);
      await place.unhurt(() => place.provoke());
      expect(place.failures).toEqual([]);
      expect(await place.isolate()).toMatchObject({ stage: 'enabled', state: 'running' });
    },
  );

  test.each(['aborts', 'exits', 'stops-itself'])('that %s is refused it, and goes on', async (file) => {
    await place.enabled(file);
    await place.unhurt(() => place.provoke());
    await eventually(() => expect(place.said(/handler of risk:deleted failed/)).toHaveLength(1));
    expect(place.failures).toEqual([]);
    expect(await place.isolate()).toMatchObject({ stage: 'enabled', state: 'running' });
  });

  // What becomes of these is the operating system's and the language's affair; what must not is not.
  test.each(['replaces-globals', 'channel-flood', 'many-handlers'])('that is %s takes nobody with it', async (file) => {
    await place.enabled(file);
    const before = await memoryOf(place.runner.child.pid);
    await place.unhurt(async () => {
      await place.provoke();
      await place.provoke();
    });
    expect(place.failures.length).toBeLessThan(2);
    expect((await memoryOf(place.runner.child.pid)) - before).toBeLessThan(400);
  });

  test.each(['endless-names', 'asks-without-end', 'hoards-metadata'])(
    'that is %s costs its runner little, and its neighbours nothing',
    async (file) => {
      await place.enabled(file);
      const before = await memoryOf(place.runner.child.pid);
      let most = 0;
      await place.unhurt(async () => {
        await place.provoke();
        await eventually(async () => {
          most = Math.max(most, await memoryOf(place.runner.child.pid));
          expect(place.said(/the harm is done/).length + place.failures.length).toBeGreaterThan(0);
        });
      });
      expect(most - before).toBeLessThan(400);
    },
  );

  test('that sends signals reaches no process', async () => {
    await place.enabled('kills-its-runner');
    await place.unhurt(async () => {
      const { refused } = (await (await place.request('/harm')).json()) as { refused: boolean[] };
      expect(refused).not.toContain(false);
    });
  });

  test('that breaks its retry is called again as it had asked, and its event is kept as failed', async () => {
    await place.enabled('breaks-its-retry');
    await place.unhurt(() => place.provoke());
    await eventually(() => expect(place.said(/The handler of risk:deleted failed/)).toHaveLength(1));
    expect(place.said(/is called again in/)).toHaveLength(2);
    expect(place.failures).toEqual([]);
  });

  test('that forges answers only fails at what it was asked', async () => {
    await place.enabled('forges-answers');
    await place.unhurt(async () => {
      for (let forged = 0; forged < 9; forged += 1) await place.provoke({ riskId: forged });
      expect(await place.job('job', 1_000)).toMatchObject({ outcome: 'failed' });
    });
    await eventually(() => expect(place.said(/handler of risk:deleted failed/)).toHaveLength(9));
    expect(place.failures).toEqual([]);
    expect(await place.isolate()).toMatchObject({ stage: 'enabled', state: 'running' });
  });

  test('that throws what is no error has failed deliveries, and is ended when nobody caught it', async () => {
    await place.enabled('throws-oddities');
    await place.unhurt(async () => {
      for (let oddity = 0; oddity < 10; oddity += 1) await place.provoke({ riskId: oddity });
    });
    await eventually(() => expect(place.said(/handler of risk:deleted failed/)).toHaveLength(10));
    expect(place.failures).toEqual([]);
    for (let oddity = 0; oddity < 10; oddity += 1) {
      await place.forget();
      await place.enabled('throws-oddities');
      await place.provoke({ riskId: oddity, later: true });
      await eventually(() =>
        expect([oddity, place.failures]).toEqual([oddity, [expect.objectContaining({ reason: 'unhandled' })]]),
      );
    }
    await place.unhurt(() => Promise.resolve());
  });

  test.each([
    ['/stops', 'cut'],
    ['/destroys', 'cut'],
    ['/nothing', 502],
    ['/garbage', 502],
    ['/too-much', 200],
    ['/large-headers', 502],
    ['/odd-headers', 502],
  ])('that answers %s only spoils that answer', async (path, expected) => {
    await place.enabled('half-answers');
    await place.unhurt(async () => {
      const seen = await place
        .request(path, { signal: AbortSignal.timeout(1_500) })
        .then(async (answer) => {
          await answer.text();
          return answer.status;
        })
        .catch(() => 'cut');
      expect(seen).toBe(expected);
    });
    expect((await place.webhook('half')).outcome).toBe('failed');
    expect(place.failures).toEqual([]);
    expect(await place.isolate()).toMatchObject({ stage: 'enabled' });
  });

  test('that never answers is given up each time', async () => {
    await place.enabled('never-answers');
    await place.unhurt(async () => {
      await place.provoke();
      const outcomes = await Promise.all([
        place.webhook('hook').then(({ outcome }) => outcome),
        place.job('job', 500).then(({ outcome }) => outcome),
        place.request('/harm', { signal: AbortSignal.timeout(300) }).catch((error: unknown) => (error as Error).name),
      ]);
      expect(outcomes).toEqual(['timed-out', 'failed', 'TimeoutError']);
      const filtered = { filter: 'risk:before_save', data: { risk: 1 } };
      expect(await place.room.broker.ask(RunFilters, { tenant: ACME, payload: filtered })).toMatchObject({
        data: { risk: 1 },
        errors: [{ pluginId: HOSTILE }],
      });
      const asked = { phase: 'before', request: { method: 'GET', url: '/api/risks', headers: {} } } as const;
      expect(await place.room.broker.ask(RunMiddleware, { tenant: ACME, payload: asked })).toMatchObject({
        kind: 'continue',
        failures: [{ pluginId: HOSTILE }],
      });
    });
    expect(place.failures).toEqual([]);
    expect(await place.isolate()).toMatchObject({ stage: 'enabled', state: 'running' });
  });

  test('that never ends a hook fails that step when its time is over', async () => {
    const installation = await place.install('never-answers', { hook: 'onInstall' });
    await place.unhurt(async () => {
      const payload = { stepId: randomUUID(), operationId: randomUUID(), installation, options: {}, limitMs: 400 };
      const step = { tenant: ACME, payload: { ...payload, hook: 'onInstall' } } as const;
      expect(await place.room.broker.sendAndWait(RunHook, step, { deadlineMs: 10_000 })).toMatchObject({
        kind: 'failed',
        error: { code: 'HOOK_TIMED_OUT' },
      });
    });
  });

  test.each(['onInstall', 'onLoad', 'onEnable', 'onDisable', 'onUnload', 'onUninstall'] as const)(
    'that throws in %s fails that step alone',
    async (hook) => {
      const installation = await place.install('throwing-hooks', { throws: hook });
      const steps = ['onInstall', 'onLoad', 'onEnable', 'onDisable', 'onUnload', 'onUninstall'] as const;
      for (const step of steps.slice(0, steps.indexOf(hook))) {
        const enabled = step === 'onEnable' ? ({ state: 'enabled', desired: 'enabled' } as const) : INSTALLED;
        await place.room.stepDone(installation, step, enabled);
      }
      await place.unhurt(async () => {
        const { outcome } = await place.room.step(installation, hook, INSTALLED);
        expect(outcome).toMatchObject({
          kind: 'failed',
          error: { code: 'HOOK_FAILED', message: expect.stringContaining(`thrown in ${hook}`) },
        });
      });
    },
  );

  test.each([
    ['loops-at-load', 'onInstall', ''],
    ['throws-at-load', 'onInstall', 'thrown at load'],
  ] as const)('that %s fails its first step and leaves no process', async (file, hook, message) => {
    const before = (await place.runner.childPids()).length;
    const installation = await place.install(file);
    await place.unhurt(async () => {
      const { outcome } = await place.room.step(installation, hook, INSTALLED);
      expect(outcome).toMatchObject({
        kind: 'failed',
        error: { code: 'PLUGIN_LOAD_FAILED', message: expect.stringContaining(message) },
      });
    });
    await eventually(async () => expect((await place.runner.childPids()).length).toBe(before));
  });

  test('that hands over values nobody can take gets errors for them', async () => {
    await place.enabled('json-bombs');
    await place.unhurt(async () => {
      for (const value of ['deep', 'quiteDeep', 'wide', 'long', 'circle', 'bigint', 'func', 'map', 'toJson']) {
        const answer = await place.request(`/harm/${value}`);
        expect(await answer.json()).toHaveProperty('outcomes');
      }
      expect((await (await place.request('/answer')).text()).length).toBe(3_000_000);
      expect((await place.webhook('answer')).outcome).toBe('failed');
    });
    expect(place.failures).toEqual([]);
  });

  test('that answers without end is read as slowly as its reader reads', async () => {
    await place.enabled('endless-answer');
    const before = await memoryOf(place.runner.child.pid);
    await place.unhurt(async () => {
      const leaving = new AbortController();
      const answer = await place.request('/harm', { signal: leaving.signal });
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      let bytes = 0;
      while (bytes < 64 * 1024 * 1024) bytes += (await reader.read()).value?.length ?? 0;
      leaving.abort();
      expect((await memoryOf(place.runner.child.pid)) - before).toBeLessThan(150);
    });
  });

  test('that closes its own server is not reached any more, and nobody else notices', async () => {
    await place.enabled('closes-its-server');
    await place.unhurt(async () => {
      await place.request('/harm');
      await eventually(async () => expect((await place.request('/harm')).status).toBe(502));
    });
    expect(place.failures).toEqual([]);
  });
});

/** Resident megabytes of a process. */
async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
