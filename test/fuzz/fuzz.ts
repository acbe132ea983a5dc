import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kind, Report, Task } from './fuzz-process.ts';

export interface Wanted {
  kind: Kind;
  seed: number;
  count: number;
  signal?: AbortSignal;
  /** Hears now and then how many cases one of the processes has tried. */
  log?: (tried: number) => void;
}

/** What came of all cases; all but the outcomes should be empty. */
export interface Totals {
  tried: number;
  outcomes: Record<string, number>;
  crashes: string[];
  hangs: string[];
  overBudget: string[];
  /** Files where none may be. */
  outside: string[];
  peakMb: number;
  slowestMs: number;
}

const SCRIPT = join(import.meta.dirname, 'fuzz-process.ts');
/** Nothing of a batch was heard of for so long: the case in hand does not end, however busy the machine is. */
const HANG_MS = 300_000;
/** Resident memory of the process in all; half of it is Node and what it loads. */
const MEMORY_MB = 384;
/** Processor time of one case; 20 MB of zeros take a tenth of it. */
const PROCESSOR_MS = 5_000;
const HEAP_MB = 192;
/** What the operating system allows: data in KB, and a file's size in blocks of 512 bytes. */
const LIMITS = 'ulimit -d 1048576; ulimit -f 524288';
const steps: Record<Kind, number> = { archives: 20, manifests: 100 };

/**
 * Tries mutated cases, one process for each core at a time; each process may write in two folders only, and one that fails does not
 * end the others. The cases are the same however many processes share them.
 */
export async function fuzz(wanted: Wanted): Promise<Totals> {
  const processes = availableParallelism();
  const share = Math.ceil(wanted.count / processes);
  const shares = Array.from({ length: processes }, (_, number) => ({
    from: Math.min(wanted.count, number * share),
    to: Math.min(wanted.count, (number + 1) * share),
  }));
  const all = await Promise.all(shares.map(({ from, to }) => fuzzShare(wanted, from, to)));
  return all.reduce(together, noTotals());
}

async function fuzzShare(
  { kind, seed, signal, log = () => undefined }: Wanted,
  from: number,
  end: number,
): Promise<Totals> {
  const totals = noTotals();
  const sandbox = await realpath(await mkdtemp(join(tmpdir(), 'verifywise-fuzz-')));
  const places = { scratch: join(sandbox, 'scratch'), target: join(sandbox, 'target') };
  const cwd = join(sandbox, 'elsewhere');
  try {
    await Promise.all([...Object.values(places), cwd].map((folder) => mkdir(folder)));
    let [next, step] = [from, steps[kind]];
    while (next < end && signal?.aborted !== true) {
      // One that failed in a batch is found by trying that batch again, one by one.
      const to = step === 1 ? Math.min(end, next + steps[kind]) : end;
      const ended = await oneProcess({ kind, seed, from: next, to, step, places }, cwd, totals, signal, log);
      next = ended.next;
      if (ended.how === 'done') step = steps[kind];
      else if (step === 1) {
        totals[ended.how].push(`${kind} ${next}: ${ended.why}`);
        totals.tried += 1;
        next += 1;
      } else step = 1;
    }
    totals.outside.push(...(await readdir(cwd)), ...(await strangers(sandbox)));
    return totals;
  } finally {
    await rm(sandbox, { recursive: true, force: true });
  }
}

function noTotals(): Totals {
  const lists = { crashes: [], hangs: [], overBudget: [], outside: [] };
  return { tried: 0, outcomes: {}, ...lists, peakMb: 0, slowestMs: 0 };
}

function together(one: Totals, other: Totals): Totals {
  const outcomes = { ...one.outcomes };
  for (const [outcome, times] of Object.entries(other.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + times;
  return {
    tried: one.tried + other.tried,
    outcomes,
    crashes: [...one.crashes, ...other.crashes],
    hangs: [...one.hangs, ...other.hangs],
    overBudget: [...one.overBudget, ...other.overBudget],
    outside: [...one.outside, ...other.outside],
    peakMb: Math.max(one.peakMb, other.peakMb),
    slowestMs: Math.max(one.slowestMs, other.slowestMs),
  };
}

async function strangers(sandbox: string): Promise<string[]> {
  const found = await readdir(sandbox, { recursive: true });
  return found.filter((name) => !['scratch', 'target', 'elsewhere'].includes(name));
}

type Ended = { how: 'done'; next: number } | { how: 'crashes' | 'hangs'; next: number; why: string };

function oneProcess(
  task: Task,
  cwd: string,
  totals: Totals,
  signal: AbortSignal | undefined,
  log: (tried: number) => void,
): Promise<Ended> {
  const { scratch, target } = task.places;
  const node = [
    ...[process.execPath, '--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning'],
    ...[`--max-old-space-size=${HEAP_MB}`, '--permission', '--allow-fs-read=*', '--allow-child-process'],
    ...[`--allow-fs-write=${scratch}`, `--allow-fs-write=${target}`, SCRIPT],
  ];
  const child = spawn('/bin/sh', ['-c', `${LIMITS}; exec "$0" "$@"`, ...node], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    ...(signal === undefined ? {} : { signal }),
    killSignal: 'SIGKILL',
  });
  child.stderr?.setEncoding('utf8');
  let [next, said, hung] = [task.from, '', false];
  child.stderr?.on('data', (text: string) => (said = (said + text).slice(-2_000)));
  const kill = () => {
    hung = true;
    child.kill('SIGKILL');
  };
  let watch = setTimeout(kill, HANG_MS);
  child.on('message', (report: Report) => {
    clearTimeout(watch);
    watch = setTimeout(kill, HANG_MS);
    count(totals, task, report, next);
    next = report.next;
    log(totals.tried);
  });
  child.send(task, () => undefined);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      // Called off: its end is told by `exit`.
      if (signal?.aborted !== true) reject(error);
    });
    child.once('exit', (code, killedBy) => {
      clearTimeout(watch);
      if (hung) resolve({ how: 'hangs', next, why: `nothing was heard for ${HANG_MS} ms` });
      else if (next >= task.to || signal?.aborted === true) resolve({ how: 'done', next });
      else resolve({ how: 'crashes', next, why: `the process ended (${killedBy ?? code}): ${said}` });
    });
  });
}

function count(totals: Totals, { kind }: Task, report: Report, from: number): void {
  totals.tried += report.next - from;
  for (const [outcome, times] of Object.entries(report.outcomes)) {
    totals.outcomes[outcome] = (totals.outcomes[outcome] ?? 0) + times;
  }
  const cases = `${kind} ${from} to ${report.next - 1}`;
  if (report.failed !== undefined) totals.crashes.push(`${kind} ${report.failed.index}: ${report.failed.why}`);
  // The peak of a process is told once: it never goes down.
  if (report.peakMb > MEMORY_MB && totals.peakMb <= MEMORY_MB)
    totals.overBudget.push(`${cases}: ${report.peakMb.toFixed(0)} MB`);
  if (report.slowestMs > PROCESSOR_MS)
    totals.overBudget.push(`${cases}: ${report.slowestMs.toFixed(0)} ms of a processor`);
  totals.peakMb = Math.max(totals.peakMb, report.peakMb);
  totals.slowestMs = Math.max(totals.slowestMs, report.slowestMs);
}
