import type { JobOutcome, ScheduleTiming } from '@verifywise/contracts';
import type { Verdict } from './retries.ts';
import type { Fire, Running, Schedule } from './schedule.ts';
import type { DueDecision } from './slots.ts';

/** What is kept when a plugin schedules a job. */
export interface SchedulePlan {
  timing: ScheduleTiming;
  data: unknown;
  /** Undefined keeps the slots as they are: only the data is new. */
  restart: { firstDue: Date } | undefined;
}

/** The schedules of all tenants. All times are those of the database's clock. */
export interface ScheduleBook {
  /** Creates or replaces, as `plan` decides from what is there; nobody else changes the plugin's schedules meanwhile. */
  save(
    tenant: string,
    pluginId: string,
    name: string,
    plan: (there: { schedule: Schedule | undefined; others: number; now: Date }) => SchedulePlan,
  ): Promise<Schedule>;
  find(tenant: string, pluginId: string, name: string): Promise<Schedule | undefined>;
  list(tenant: string, pluginId: string): Promise<Schedule[]>;
  /** Removes one schedule, or all of the plugin's; answers how many there were. */
  remove(tenant: string, pluginId: string, name?: string): Promise<number>;
  setPaused(tenant: string, pluginId: string, name: string, paused: boolean): Promise<Schedule | undefined>;
  /** What is older than what was heard last is ignored: facts may overtake each other. */
  pluginChanged(tenant: string, pluginId: string, news: PluginNews): Promise<void>;
  /** The plugins that have schedules, page by page in the order of tenant and plugin, as they were heard of last. */
  pluginsAfter(after: PluginKey, limit: number): Promise<KnownPlugin[]>;
  /** Gives every due schedule that nobody else holds to `decide` and writes its fires down in the same transaction. */
  takeDue(most: number, decide: (schedule: Schedule, now: Date, running: Running) => DueDecision): Promise<Taken>;
  /** Notices that the clock was set back, and has what waits for a time that is now too far away wait no longer than was meant. */
  noticeSetBack(sooner: (schedule: Schedule, now: Date) => Date | undefined): Promise<boolean>;
  /** How long until something is due or to be sent, in milliseconds; undefined when nothing is. */
  nextWakeMs(): Promise<number | undefined>;
}

export interface PluginKey {
  tenant: string;
  pluginId: string;
}

/** What was last heard of a plugin that has schedules. */
export interface KnownPlugin extends PluginKey {
  enabled: boolean;
  generation: number;
}

/** What became of a plugin, as of a generation of its installation. */
export interface PluginNews {
  change: 'enabled' | 'disabled' | 'uninstalled';
  generation: number;
  at: Date;
}

export interface Taken {
  /** Due schedules that were seen; as many as were asked for: there may be more. */
  schedules: number;
  /** How late each fire was written down, in milliseconds. */
  lateMs: number[];
}

/** A fire that is ours to send until its lease is over. */
export interface ClaimedFire {
  fire: Fire;
  schedule: Schedule;
}

/** The fires of all schedules. */
export interface FireBook {
  /** A run beside the slots, because an admin wants one now. */
  runNow(schedule: Schedule): Promise<RunNowAnswer>;
  /** The newest fires of a schedule, newest first. */
  listOf(scheduleId: string, most: number): Promise<Fire[]>;
  /** Fires that are to be sent, shared out fairly; each goes to one caller, and to another when the lease ran out. */
  claim(most: number, leaseMs: number): Promise<ClaimedFire[]>;
  /** Says that it was sent, unless something was heard of it already. */
  markSent(fire: Fire, sendAgainInMs: number): Promise<void>;
  /** Gives a claimed fire back, to be sent soon. */
  giveBack(fire: Fire, inMs: number): Promise<void>;
  /** Writes down what `judge` makes of an outcome; undefined when the fire is not known (its schedule was cancelled). */
  conclude(
    tenant: string,
    outcome: JobOutcome,
    judge: (fire: Fire, timing: ScheduleTiming) => Verdict,
  ): Promise<Concluded | undefined>;
  /** Removes what was over before so many days, and what else is too much to keep; answers how many fires went. */
  forget(days: number): Promise<number>;
}

export type RunNowAnswer =
  { kind: 'fire'; fire: Fire } | { kind: 'running' } | { kind: 'plugin-disabled' } | { kind: 'gone' };

export interface Concluded {
  verdict: Verdict;
  /** Whether other fires of the same plugin wait for the room that this one has left. */
  othersWait: boolean;
}
