import {
  commonSettings,
  identitySettings,
  integer,
  readSettings,
  url,
  type Environment,
} from '@verifywise/service-kit';

/** Five minutes is what a job may take; longer work belongs into several jobs. */
const DEFAULT_JOB_LIMIT_MS = 5 * 60_000;
/** With the time a scheduler that died holds a fire, this is what healing takes at most. */
const DEFAULT_SWEEP_MS = 3_000;
const DEFAULT_HANDLER_WAIT_MS = 3_600_000;

export type SchedulerConfig = ReturnType<typeof readConfig>;

/** The only place that reads the scheduler's environment. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    port: integer('PORT', 4004, { min: 0, max: 65_535 }),
    redisUrl: url('REDIS_URL', undefined, { schemes: ['redis', 'rediss'], example: 'redis://127.0.0.1:6379' }),
    jobLimitMs: integer('JOB_LIMIT_MS', DEFAULT_JOB_LIMIT_MS, { min: 1_000, max: 24 * 3_600_000 }),
    handlerWaitMs: integer('JOB_HANDLER_WAIT_MS', DEFAULT_HANDLER_WAIT_MS, { min: 0, max: 7 * 24 * 3_600_000 }),
    schedulesPerPlugin: integer('JOBS_PER_PLUGIN', 1_000, { min: 1, max: 10_000 }),
    shortestIntervalMs: integer('JOB_SHORTEST_INTERVAL_MS', 1_000, { min: 1_000, max: 24 * 3_600_000 }),
    runsPerPlugin: integer('JOB_RUNS_PER_PLUGIN', 5, { min: 1, max: 24 }),
    runsPerTenant: integer('JOB_RUNS_PER_TENANT', 10, { min: 1, max: 24 }),
    historyDays: integer('JOB_HISTORY_DAYS', 7, { min: 1, max: 365 }),
    sweepMs: integer('SWEEP_MS', DEFAULT_SWEEP_MS, { min: 100, max: 60_000 }),
  });
}
