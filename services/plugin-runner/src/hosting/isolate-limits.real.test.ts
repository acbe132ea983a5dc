import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const MEMORY_MB = 160;

describe('the limits of isolates', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let failures: HeardFailure[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ HANDLER_LIMIT_MS: '5000', ISOLATE_MEMORY_MB: String(MEMORY_MB) });
    failures = await heardFailures(room.broker);
    await room.enabled({ tenant: 'calm', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
  });
  afterAll(() => room.close());

  const failuresOf = (tenant: string) => failures.filter((failure) => failure.tenant === tenant);
  const isolateOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant);
  const failedDeliveriesOf = (tenant: string) =>
    room.rows<{ event_id: string; error: { message: string } }>(
      'SELECT event_id, error FROM plugin_runner.failed_deliveries WHERE tenant = $1',
      [tenant],
    );

  /** Until then an event at which a process has ended waits for the next one. */
  const disabledByItsInstaller = (installation: Installation) =>
    room.settle({ ...installation, state: 'disabled', desired: 'disabled', generation: room.nextGeneration() });

  const KEEPS_BUFFERS = `for (let mb = 0; mb < 400; mb += 8) { kept.push(Buffer.alloc(8 << 20, 1)); await new Promise((r) => setTimeout(r, 10)); }`;

  test('memory outside of the heap counts, and the report names limit, use and what it did', async () => {
    const before = `const kept = []; if (payload.riskId === 1) { ${KEEPS_BUFFERS} }`;
    const installation = await room.enabled({ tenant: 'buffers', code: recorder({ before }) });
    const guilty = await room.emitRisk('buffers', 1);
    await eventually(() => expect(failuresOf('buffers')).toHaveLength(1));
    const [failure] = failuresOf('buffers');
    expect(failure).toMatchObject({ reason: 'memory', during: 'event risk:created', version: '1.0.0' });
    const used = Number(/used (\d+) MB of memory, more than its 160 MB/.exec(failure?.message ?? '')?.[1]);
    expect(used).toBeGreaterThan(MEMORY_MB);
    expect(used).toBeLessThan(2 * MEMORY_MB);
    expect(await isolateOf('buffers')).toMatchObject({ state: 'crashed', pid: null, lastCrash: { reason: 'memory' } });
    await disabledByItsInstaller(installation);
    await eventually(async () => expect(await failedDeliveriesOf('buffers')).toMatchObject([{ event_id: guilty }]));
    expect(await isolateOf('calm')).toMatchObject({ state: 'running', version: '2.0.0', lastCrash: null });
  });

  test('what allocates faster than anybody looks is stopped by the kernel', async () => {
    const before = `const kept = []; if (payload.riskId === 1) for (;;) kept.push(Buffer.alloc(64 << 20, 1));`;
    const installation = await room.enabled({ tenant: 'fast', code: recorder({ before }) });
    const highest = highestMemoryOf((await isolateOf('fast'))?.pid as number);
    await room.emitRisk('fast', 1);
    // Either the process ends at it, or the handler hears that there is no more.
    await eventually(async () => {
      const ended = (await isolateOf('fast'))?.state === 'crashed';
      expect(ended || (await failedDeliveriesOf('fast')).length > 0).toBe(true);
    });
    await disabledByItsInstaller(installation);
    await eventually(async () => expect(await failedDeliveriesOf('fast')).toHaveLength(1));
    const most = highest();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(3 * MEMORY_MB);
  });

  test('figures of every isolate come from the operating system, and leave with its plugin', async () => {
    const before = `const used = () => process.cpuUsage().user; const began = used(); while (used() - began < 600_000);`;
    const busy = await room.enabled({ tenant: 'busy', code: recorder({ before }) });
    await room.emitRisk('busy', 1);
    // The kernel counts in ticks, and rounds.
    await eventually(async () => expect((await isolateOf('busy'))?.cpuSeconds).toBeGreaterThan(0.4));
    expect((await isolateOf('busy'))?.memoryBytes).toBeGreaterThan(20 << 20);
    const metrics = async () => (await fetch(`${runner.url}/metrics`)).text();
    const shown = await metrics();
    expect(shown).toMatch(/runner_isolate_cpu_seconds_total\{tenant="busy",plugin="recorder",.*\} \d/);
    expect(shown).toMatch(/runner_isolate_resident_bytes\{tenant="busy",plugin="recorder",.*\} \d{7,}/);
    expect(shown).toMatch(/runner_isolates\{state="running",.*\} [1-9]/);
    expect(shown).toMatch(/runner_isolate_start_seconds_count\{.*\} [1-9]/);
    expect(shown).toMatch(/runner_isolate_crashes_total\{reason="memory",.*\} [1-9]/);
    await room.forget(busy);
    await eventually(async () => expect(await metrics()).not.toContain('tenant="busy"'));
  });

  test('a plugin that loops at the top of its module is ended as soon as one that loops later', async () => {
    const installation = await room.install({ tenant: 'stuck', code: 'for (;;);' });
    const { outcome } = await room.step(installation, 'onInstall', { state: 'installed', desired: 'disabled' });
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'PLUGIN_LOAD_FAILED', message: expect.stringContaining('busy for more than 1.5 s') },
    });
    expect(await isolateOf('stuck')).toMatchObject({ state: 'crashed', lastCrash: { reason: 'hang' } });
  });
});

/** Looks at a process again and again; answers the end of it, which tells the most that was in RAM, in MB. */
function highestMemoryOf(pid: number): () => number {
  let highest = 0;
  const timer = setInterval(() => {
    const note = (status: string) =>
      (highest = Math.max(highest, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024));
    readFile(`/proc/${pid}/status`, 'utf8').then(note, () => undefined);
  }, 5);
  return () => {
    clearInterval(timer);
    return highest;
  };
}
