import type { CrashReason } from './isolate-crash.ts';

/** What the hosting tells of its isolates, for whoever counts. */
export interface IsolateNotes {
  /** From the start of the process to its loaded code. */
  started(seconds: number): void;
  /** From being needed to the end of `onEnable`. */
  woken(seconds: number): void;
  fellAsleep(): void;
  crashed(reason: CrashReason): void;
  /** Something of a plugin was given up, because the database can never keep it. */
  notStorable(): void;
}
