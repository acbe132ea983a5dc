import { Closers } from '@verifywise/service-kit';
import { reasonOf } from '../../../infra/local/src/start-error.ts';
import type { Bench, Measurement } from './bench.ts';
import type { Figure } from './figure.ts';

/** Hundreds of isolates of a runner that stops take their time. */
const CLOSE_DEADLINE_MS = 60_000;

export interface BenchRun {
  figures: Figure[];
  /** Notes of what was measured, one each. */
  notes: string[];
  /** Names of measurements that could not be made. */
  failed: string[];
}

export interface RunOptions {
  rounds: number;
  only: string;
  signal: AbortSignal;
  log: (line: string) => void;
}

/** Makes one measurement after the other; one that fails does not keep the next from being made. */
export async function runBench({ measurements }: Bench, options: RunOptions): Promise<BenchRun> {
  const run: BenchRun = { figures: [], notes: [], failed: [] };
  for (const measurement of measurements) {
    if (!measurement.name.includes(options.only) || options.signal.aborted) continue;
    const startedAt = performance.now();
    try {
      run.figures.push(...(await measured(measurement, options)));
      run.notes.push(`${measurement.name}: ${measurement.note}`);
      options.log(`${measurement.name}: measured in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    } catch (error) {
      run.failed.push(measurement.name);
      options.log(`${measurement.name}: FAILED: ${withCauses(error)}`);
    }
  }
  return run;
}

/** What the measurement opened is closed when it ends, and at once when somebody wants us to stop. */
async function measured(measurement: Measurement, { rounds, signal, log }: RunOptions): Promise<Figure[]> {
  const closers = new Closers();
  const close = () => closers.closeAll(CLOSE_DEADLINE_MS);
  let interrupted: () => void = () => undefined;
  const interruption = new Promise<never>((_, reject) => {
    interrupted = () => reject(new Error('interrupted'));
    signal.addEventListener('abort', interrupted);
  });
  try {
    const tell = (line: string) => log(`${measurement.name}: ${line}`);
    return await Promise.race([measurement.measure({ rounds, closers, log: tell }), interruption]);
  } finally {
    signal.removeEventListener('abort', interrupted);
    await close();
  }
}

/** "fetch failed" alone tells nobody what has failed. */
function withCauses(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? reasonOf(error) : `${reasonOf(error)}: ${withCauses(cause)}`;
}
