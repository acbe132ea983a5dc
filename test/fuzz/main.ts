import { parseArgs } from 'node:util';
import { interruption, Interrupted, reportEnd } from '../../infra/local/src/interruption.ts';
import { StartError } from '../../infra/local/src/start-error.ts';
import type { Kind } from './fuzz-process.ts';
import { fuzz, type Totals } from './fuzz.ts';

const ARCHIVES = 10_000;
const MANIFESTS = 100_000;
const TOLD_EVERY = 10;

/** `npm run fuzz`: mutated packages and manifests, in processes of their own; fails when one of them does what it should not. */
async function main(args: string[]): Promise<number> {
  const { seed, ...counts } = readCommandLine(args);
  const { signal } = interruption();
  console.log(`Seed ${seed}; the same cases again: npm run fuzz -- --seed ${seed}`);
  let bad = 0;
  for (const kind of ['archives', 'manifests'] as const) {
    const startedAt = performance.now();
    const totals = await fuzz({
      kind,
      seed,
      count: counts[kind],
      signal,
      log: every(Math.ceil(counts[kind] / TOLD_EVERY), kind),
    });
    if (signal.aborted) throw new Interrupted();
    console.log(report(kind, totals, (performance.now() - startedAt) / 1000));
    bad += failures(totals).reduce((sum, [, list]) => sum + list.length, 0);
  }
  return bad === 0 ? 0 : 1;
}

function readCommandLine(args: string[]): { seed: number; archives: number; manifests: number } {
  const number = (name: string, text: string | undefined, otherwise: number) => {
    const value = text === undefined ? otherwise : Number(text);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new StartError(`--${name} takes a whole number from 0`);
  };
  const option = { type: 'string' } as const;
  const { values } = parsed(() => parseArgs({ args, options: { seed: option, archives: option, manifests: option } }));
  return {
    seed: number('seed', values.seed, Math.floor(Math.random() * 2 ** 31)),
    archives: number('archives', values.archives, ARCHIVES),
    manifests: number('manifests', values.manifests, MANIFESTS),
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new StartError((error as Error).message);
  }
}

/** Says how far the process is that is farthest, a few times. */
function every(cases: number, kind: Kind): (tried: number) => void {
  let told = 0;
  return (tried) => {
    if (tried < told + cases) return;
    told = tried;
    console.error(`${kind}: ${tried} by one process`);
  };
}

function failures({ crashes, hangs, outside, overBudget }: Totals): [what: string, list: string[]][] {
  return Object.entries({ crashes, hangs, 'files outside': outside, 'over the budget': overBudget });
}

function report(kind: Kind, totals: Totals, seconds: number): string {
  const { tried, outcomes, peakMb, slowestMs } = totals;
  const sorted = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
  const zeros = failures(totals).map(([what, list]) => `${list.length} ${what}`);
  return [
    '',
    `${tried} ${kind} in ${seconds.toFixed(0)} s: ${zeros.join(', ')}`,
    `at most ${peakMb.toFixed(0)} MB resident, and ${slowestMs.toFixed(0)} ms of a processor for one of them`,
    ...sorted.map(([outcome, times]) => `${String(times).padStart(8)}  ${outcome}`),
    ...failures(totals).flatMap(([what, list]) => list.slice(0, 20).map((line) => `${what}: ${line}`)),
  ].join('\n');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  reportEnd(error, 'The fuzzing failed: ');
}
