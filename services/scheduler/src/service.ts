import { connectBroker } from '@verifywise/broker';
import { ListInstalledPlugins } from '@verifywise/contracts';
import {
  createAssertInstalled,
  createMetrics,
  idempotencyStore,
  IdempotencyMigration,
  idempotent,
  identityCheck,
  OneAtATime,
  openDatabase,
  serveHttp,
  type Closers,
  type HttpServer,
  type Logger,
} from '@verifywise/service-kit';
import { startAlarmClock } from './bullmq/alarm-clock.ts';
import type { SchedulerConfig } from './config.ts';
import { cronTimes } from './cron/cron-times.ts';
import { jobRoutes } from './http/job-routes.ts';
import { jobRoutesDescribed } from './http/openapi.ts';
import { answerCancelJobs } from './messages/cancel-jobs.ts';
import { hearJobFinished } from './messages/job-finished.ts';
import { answerListJobs } from './messages/list-jobs.ts';
import { hearPluginDisabled } from './messages/plugin-disabled.ts';
import { hearPluginEnabled } from './messages/plugin-enabled.ts';
import { hearPluginUninstalled } from './messages/plugin-uninstalled.ts';
import { answerScheduleJob } from './messages/schedule-job.ts';
import { createConcludeFire } from './schedules/conclude-fire.ts';
import { createFireDue } from './schedules/fire-due.ts';
import { createManageJobs } from './schedules/manage-jobs.ts';
import { createScheduleJob } from './schedules/schedule-job.ts';
import { startSweep } from './schedules/sweep.ts';
import { CreateSchedules } from './store/create-schedules.ts';
import { FireTable } from './store/fire-table.ts';
import { postgresFires } from './store/postgres-fires.ts';
import { postgresSchedules } from './store/postgres-schedules.ts';
import { ScheduleTable } from './store/schedule-table.ts';
import { watchJobs } from './watch-jobs.ts';

/** Whoever asks for a list does not wait for an installer that is not there. */
const INSTALLER_DEADLINE_MS = 2_000;

export async function startScheduler(config: SchedulerConfig, closers: Closers, log: Logger): Promise<HttpServer> {
  const metrics = createMetrics('scheduler');
  const watch = watchJobs(metrics, log);
  const database = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'scheduler',
      entities: [ScheduleTable, FireTable],
      migrations: [CreateSchedules, IdempotencyMigration],
      log,
    }),
  );
  const { brokerUrl, partitions } = config;
  const broker = closers.add(await connectBroker({ url: brokerUrl, source: 'scheduler', partitions, log, metrics }));

  const schedules = postgresSchedules(database);
  const fires = postgresFires(database);
  const fireDue = createFireDue({
    ...{ schedules, fires, cron: cronTimes, limitMs: config.jobLimitMs, watch },
    send: (work, message, patience) => broker.send(work, message, patience),
    wakeIn: (ms) => alarm.wakeIn(ms),
  });
  const rounds = closers.add(
    new OneAtATime(fireDue, (error) => log.error({ err: error }, 'due jobs could not be fired; tried again')),
  );
  const wake = () => rounds.run();
  const alarm = closers.add(startAlarmClock({ redisUrl: config.redisUrl, log, ring: wake }));

  const answers = await broker.answerQuestions('scheduler', [
    answerScheduleJob(createScheduleJob(schedules, cronTimes, wake)),
    answerCancelJobs(schedules),
    answerListJobs(schedules),
  ]);
  closers.addStep('answers', () => answers.stop());
  const ears = await broker.subscribe('scheduler', [
    hearJobFinished(createConcludeFire(fires, wake, watch)),
    hearPluginEnabled(schedules, wake),
    hearPluginDisabled(schedules),
    hearPluginUninstalled(schedules),
  ]);
  closers.addStep('facts', () => ears.stop());
  const forget = (days: number) => {
    fires.forgetOlderThan(days).catch((error: unknown) => log.warn({ err: error }, 'old fires could not be removed'));
  };
  closers.add(startSweep(config.sweepMs, wake, forget));

  const assertInstalled = createAssertInstalled((tenants) =>
    broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } }, { deadlineMs: INSTALLER_DEADLINE_MS }),
  );
  const guards = { identity: identityCheck(config), once: idempotent(idempotencyStore(database)) };
  const { host, port } = config;
  return closers.add(
    await serveHttp({
      ...{ name: 'scheduler', host, port, log, metrics },
      routers: [jobRoutes(createManageJobs({ schedules, fires, wake, assertInstalled }), guards)],
      ready: { database: () => database.ping(), broker: () => broker.healthy },
      openapi: Object.values(jobRoutesDescribed),
    }),
  );
}
