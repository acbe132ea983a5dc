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
const DEFAULT_SWEEP_MS = 5_000;

export type SchedulerConfig = ReturnType<typeof readConfig>;

/** The only place that reads the scheduler's environment. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    port: integer('PORT', 4004, { min: 0, max: 65_535 }),
    redisUrl: url('REDIS_URL', undefined, { schemes: ['redis', 'rediss'], example: 'redis://127.0.0.1:6379' }),
    jobLimitMs: integer('JOB_LIMIT_MS', DEFAULT_JOB_LIMIT_MS, { min: 1_000, max: 24 * 3_600_000 }),
    sweepMs: integer('SWEEP_MS', DEFAULT_SWEEP_MS, { min: 100, max: 60_000 }),
  });
}
