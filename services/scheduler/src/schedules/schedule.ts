import type { ScheduleTiming, ScheduleView } from '@verifywise/contracts';

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
  /** Runs beside the slots, because an admin wanted them. */
  byHand: number;
  /** Slots that did not fire, because the run before was still going. */
  skipped: number;
  /** When its last attempt began. */
  lastRun: Date | null;
  /** Attempts of its last run so far. */
  attempts: number;
  lastOutcome: ScheduleView['lastOutcome'];
  lastError: string | null;
  /** When a single run was over: kept a while for the record, and listed no longer when it was done. */
  endedAt: Date | null;
}

/**
 * `due` waits to be sent, `failed` waits for its next attempt, `sending` is in the hands of a scheduler, `sent` is with the runners,
 * `done` and `dead` are over.
 */
export type FireState = 'due' | 'failed' | 'sending' | 'sent' | 'done' | 'dead';

/** One slot of one schedule that became due: one row, so it fires once however many schedulers there are. */
export interface Fire {
  id: string;
  tenant: string;
  pluginId: string;
  scheduleId: string;
  generation: number;
  slot: Date;
  state: FireState;
  /** Lower goes first among those of its plugin. */
  priority: number;
  /** Whether it may run beside an earlier one of its schedule. */
  mayOverlap: boolean;
  /** An admin wants it, so that its schedule may be paused. */
  byHand: boolean;
  /** Failures so far. */
  attempt: number;
  /** How often it waited for a handler or for its plugin. */
  waits: number;
  /** How often of these for a handler. */
  handlerWaits: number;
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
