/** When a job runs and what happens when it fails (S:19.3, contract §1). Exactly one of `cron` and `every` is given. */
export interface ScheduleJobOptions {
  /** Cron pattern of five fields, for instance `0 * * * *` for every hour. */
  cron?: string;
  /** Interval in milliseconds. */
  every?: number;
  /** Milliseconds before the first run. */
  delay?: number;
  /** How many runs there are at most; without it, forever. */
  limit?: number;
  /** Lower runs first. */
  priority?: number;
  /** Attempts per run, the first included; 3 unless given. */
  attempts?: number;
  backoff?: Backoff;
  /** IANA time zone that `cron` is read in; UTC unless given. */
  tz?: string;
  /** What becomes of runs missed while nothing could run them: one run in their place (the default), or none. */
  misfire?: 'fire_once' | 'skip';
  /** Whether a run may begin while the one before is still going; `skip` unless given. */
  overlap?: 'skip' | 'allow';
}

/** How long to wait before the next attempt. */
export interface Backoff {
  type: 'fixed' | 'exponential';
  /** Milliseconds; doubled after each failure when exponential. */
  delay: number;
}

/** What a job handler learns about its run (S:19.6). */
export interface JobContext {
  /** The same for every attempt of one run: what to recognise a repetition by. */
  jobId: string;
  /** Failures so far: 0 on the first attempt. */
  attemptsMade: number;
  pluginId: string;
  tenant: string;
}

/** Runs at least once per due time. Throwing makes the platform try again as `attempts` and `backoff` say. */
export type JobHandler<Data = unknown> = (data: Data, job: JobContext) => void | Promise<void>;

export interface ScheduledJob {
  name: string;
  kind: 'repeating' | 'once';
  cron?: string;
  every?: number;
  /** When it is due next; null when an admin has paused it, or it is over. */
  nextRun: Date | null;
  /** When its last attempt began; null before the first one. */
  lastRun: Date | null;
  /** How that ended: `done`, `failed` (tried again), `dead` (given up); `no-handler` and `not-enabled` when it still waits. */
  lastOutcome: 'done' | 'failed' | 'dead' | 'no-handler' | 'not-enabled' | null;
  /** Attempts of the last run so far. */
  attempts: number;
  paused: boolean;
  /** What the handler is given; left out where that of all jobs together is more than 1 MB. */
  data?: unknown;
}

/**
 * Jobs of the plugin, per tenant (S:19). Needs no permission.
 *
 * Schedules survive restarts, handlers do not: register them in `onEnable`, every time. A due job whose handler is not
 * registered yet waits for it. Jobs pause while the plugin is disabled and go with its uninstallation.
 * Rejects with an error whose `code` is `SCHEDULE_INVALID` for wrong options, `SCHEDULE_TOO_FREQUENT` for runs that follow each other too
 * closely, `TOO_MANY_SCHEDULES` when the plugin has as many jobs as it may.
 */
export interface SchedulerApi {
  /** Schedules a recurring job; one of the same name is replaced. Resolves, with the job's name, once it is stored. */
  schedule<Data = unknown>(
    name: string,
    handler: JobHandler<Data>,
    options: ScheduleJobOptions,
    data?: Data,
  ): Promise<string>;
  /** Schedules one run in `delay` milliseconds; a job of the same name is replaced. Resolves, with the name, once it is stored. */
  scheduleOnce<Data = unknown>(name: string, handler: JobHandler<Data>, delay: number, data?: Data): Promise<string>;
  /** True when there was a job of that name. */
  cancel(name: string): Promise<boolean>;
  /** How many jobs were cancelled. */
  cancelAll(): Promise<number>;
  list(): Promise<ScheduledJob[]>;
  exists(name: string): Promise<boolean>;
}
