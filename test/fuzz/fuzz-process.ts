import type { Places } from './try-archive.ts';
import { tryArchive } from './try-archive.ts';
import { tryManifest } from './try-manifest.ts';

export type Kind = 'archives' | 'manifests';

/** What a process is to try: cases from there to there, with a report after so many. */
export interface Task {
  kind: Kind;
  seed: number;
  from: number;
  to: number;
  step: number;
  places: Places;
}

/** How some cases ended; `next` is the first that was not tried yet. */
export interface Report {
  next: number;
  outcomes: Record<string, number>;
  /** Of the process so far. */
  peakMb: number;
  /** The most processor time that one case took. */
  slowestMs: number;
  failed?: { index: number; why: string };
}

process.once('message', (task: Task) => {
  void run(task).then(() => process.exit());
});

async function run({ kind, seed, from, to, step, places }: Task): Promise<void> {
  for (let next = from; next < to;) {
    const report: Report = { next, outcomes: {}, peakMb: 0, slowestMs: 0 };
    for (const until = Math.min(to, next + step); next < until; next += 1) {
      const before = process.cpuUsage();
      try {
        const outcome = kind === 'archives' ? await tryArchive(seed, next, places) : tryManifest(seed, next);
        report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
      } catch (error) {
        report.failed = { index: next, why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      }
      const { user, system } = process.cpuUsage(before);
      report.slowestMs = Math.max(report.slowestMs, (user + system) / 1_000);
      if (report.failed !== undefined) break;
    }
    if (report.failed !== undefined) next += 1;
    report.next = next;
    report.peakMb = process.resourceUsage().maxRSS / 1024;
    await new Promise<void>((sent) => process.send?.(report, () => sent()));
  }
}
