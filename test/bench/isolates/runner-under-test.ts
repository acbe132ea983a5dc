import { setTimeout as pause } from 'node:timers/promises';
import type { Installation } from '@verifywise/contracts';
import type { RunnerProcess } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import { RunnerRoom } from '../../../services/plugin-runner/src/testing/runner-room.ts';
import type { BenchPlace } from '../frame/bench.ts';
import { PLUGIN_ID } from './bench-plugin.ts';

/** As in production; the tests of the runner are less patient. */
const HANG_LIMIT_MS = '3000';
/** Hundreds of isolates start four at a time. */
const TAKEN_OVER_WITHIN_MS = 180_000;
const LOOKED_EVERY_MS = 100;

/** A room for runners that is closed with the measurement. */
export async function openRoom({ closers }: BenchPlace): Promise<RunnerRoom> {
  return closers.add(await RunnerRoom.open());
}

/** Tenants with the plugin enabled, as the installer knows it; a runner that starts after this finds them. */
export async function enabledFor(room: RunnerRoom, tenants: readonly string[], code: string): Promise<Installation[]> {
  const granted = ['events:listen', 'events:emit'];
  const installations: Installation[] = [];
  for (const tenant of tenants) {
    const installed = await room.install({ tenant, code, id: PLUGIN_ID, granted });
    const enabled: Installation = { ...installed, state: 'enabled', desired: 'enabled' };
    room.truth.set(`${tenant}/${PLUGIN_ID}`, enabled);
    installations.push(enabled);
  }
  return installations;
}

export function startRunner(room: RunnerRoom, env: Record<string, string> = {}): Promise<RunnerProcess> {
  return room.startRunner({ ISOLATE_HANG_LIMIT_MS: HANG_LIMIT_MS, LOG_LEVEL: 'warn', ...env });
}

/** Resolves with the process ids of the isolates once so many are enabled and running. */
export async function runningIsolates(runner: RunnerProcess, count: number): Promise<number[]> {
  const until = performance.now() + TAKEN_OVER_WITHIN_MS;
  for (;;) {
    // The operating system is asked first: asking the runner costs it time that its starts need.
    const processes = await runner.childPids();
    if (processes.length >= count) {
      const isolates = await runner.isolates();
      const running = isolates.filter(({ stage, state }) => stage === 'enabled' && state === 'running');
      if (running.length === count) return running.map(({ pid }) => pid as number);
    }
    if (performance.now() > until) throw new Error(`Only ${processes.length} of ${count} isolates have started`);
    await pause(LOOKED_EVERY_MS);
  }
}

export function tenantNames(count: number, prefix = 'tenant'): string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}-${number}`);
}
