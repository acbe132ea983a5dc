import type { JobOutcome } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { ClaimedFire } from './schedules/books.ts';
import type { Verdict } from './schedules/retries.ts';

/** What the stories report, as figures and log lines. */
export function watchJobs(registry: Registry, log: Logger) {
  const lateness = new Histogram({
    name: 'scheduler_fire_lateness_seconds',
    help: 'How long after its slot a fire was written down',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [registry],
  });
  const outcomes = new Counter({
    name: 'scheduler_fires_concluded_total',
    help: 'What became of fires, by verdict: done, retry, wait, dead',
    labelNames: ['verdict'] as const,
    registers: [registry],
  });
  return {
    fired(lateMs: number) {
      lateness.observe(Math.max(lateMs, 0) / 1_000);
    },
    sendFailed(error: unknown, { fire, schedule }: ClaimedFire) {
      const { tenant, pluginId, name } = schedule;
      log.warn(
        { err: error, tenant, pluginId, job: name, fireId: fire.id },
        'a due job could not be sent; it is tried again',
      );
    },
    setBack() {
      log.warn('the clock was set back: what waits for a time that is now too far away is brought forward');
    },
    concluded(tenant: string, { pluginId, schedule, fireId, attempt, outcome, error }: JobOutcome, verdict: Verdict) {
      outcomes.inc({ verdict: verdict.kind });
      const about = { tenant, pluginId, job: schedule, fireId, attempt, outcome, reason: error?.message };
      if (verdict.kind === 'dead') log.warn(about, 'a job failed for the last time');
      else log.debug({ ...about, verdict: verdict.kind }, 'a job was heard of');
    },
  };
}
