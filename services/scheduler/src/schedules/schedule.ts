import type { ScheduleTiming } from '@verifywise/contracts';

/** A plugin's wish to be woken, as one tenant has it. PostgreSQL holds the truth of it. */
export interface Schedule {
  /** Stays the same when the schedule is replaced by one of the same name. */
  id: string;
  tenant: string;
  pluginId: string;
  name: string;
  timing: ScheduleTiming;
  data: unknown;
  /** Grows when the timing is replaced: a slot of an older timing is not a slot of this one. */
  generation: number;
  /** The first slot; what the slots of `every` are counted from. */
  firstDue: Date;
  /** Null when it is over. */
  nextDue: Date | null;
  /** By an admin. */
  paused: boolean;
  /** Because its plugin is disabled. */
  pluginDisabled: boolean;
  /** Slots that fired. */
  fired: number;
  /** Slots that did not fire, because the run before was still going. */
  skipped: number;
  lastRun: Date | null;
  /** `done`, `failed` (tried again), `dead`, `no-handler`, `not-enabled`. */
  lastOutcome: string | null;
  lastError: string | null;
  /** When a single run was done: kept a while for the record, no longer listed. */
  endedAt: Date | null;
}

/** `due` waits to be sent, `sent` is with the runners, `failed` waits for its next attempt, `done` and `dead` are over. */
export type FireState = 'due' | 'sent' | 'failed' | 'done' | 'dead';

/** One slot of one schedule that became due: one row, so it fires once however many schedulers there are. */
export interface Fire {
  id: string;
  tenant: string;
  scheduleId: string;
  generation: number;
  slot: Date;
  state: FireState;
  /** Failures so far. */
  attempt: number;
  /** How often it waited for a handler or for its plugin. */
  waits: number;
  /** How often it was sent since anything was heard of it. */
  unanswered: number;
  /** When it is to be sent, or sent again, unless something is heard before. */
  sendAt: Date;
  outcome: string | null;
  error: string | null;
  tookMs: number | null;
  finishedAt: Date | null;
}

/** What a plugin's unfinished fires say about its next slot. */
export type Running = 'no' | 'waiting-for-plugin' | 'yes';
