import { connectBroker } from '@verifywise/broker';
import { ListInstalledPlugins, partitionOf } from '@verifywise/contracts';
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
import { createNoticeSetBack } from './schedules/notice-set-back.ts';
import { createReconcilePlugins } from './schedules/reconcile-plugins.ts';
import { createScheduleJob } from './schedules/schedule-job.ts';
import { startSweep } from './schedules/sweep.ts';
import { CreateSchedules } from './store/create-schedules.ts';
import { FireTable } from './store/fire-table.ts';
import { FiresInLanes } from './store/fires-in-lanes.ts';
import { postgresFires } from './store/postgres-fires.ts';
import { postgresSchedules } from './store/postgres-schedules.ts';
import { ScheduleTable } from './store/schedule-table.ts';
import { watchJobs } from './watch-jobs.ts';

/** A runner takes 32 pieces of work of a partition at a time; hooks and webhooks find room beside jobs. */
const MOST_RUNS_OF_A_PARTITION = 24;
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
      migrations: [CreateSchedules, IdempotencyMigration, FiresInLanes],
      log,
    }),
  );
  const { brokerUrl, partitions, handlerWaitMs } = config;
  const broker = closers.add(await connectBroker({ url: brokerUrl, source: 'scheduler', partitions, log, metrics }));

  const schedules = postgresSchedules(database);
  const fires = postgresFires(database, {
    perPlugin: config.runsPerPlugin,
    perTenant: config.runsPerTenant,
    perPartition: MOST_RUNS_OF_A_PARTITION,
    partitionOf: (tenant) => partitionOf(tenant, partitions),
  });
  const stopping = new AbortController();
  const fireDue = createFireDue({
    ...{ schedules, fires, cron: cronTimes, limitMs: config.jobLimitMs, watch },
    stopping: stopping.signal,
    send: (work, message, patience) => broker.send(work, message, patience),
    wakeIn: (ms) => alarm.wakeIn(ms),
  });
  const due = closers.add(
    new OneAtATime(fireDue, (error) => log.error({ err: error }, 'due jobs could not be fired; tried again')),
  );
  closers.addStep('stopping', () => stopping.abort());
  const wake = () => due.run();
  const alarm = closers.add(startAlarmClock({ redisUrl: config.redisUrl, log, ring: wake }));

  const answers = await broker.answerQuestions('scheduler', [
    answerScheduleJob(createScheduleJob(schedules, cronTimes, config, wake)),
    answerCancelJobs(schedules),
    answerListJobs(schedules),
  ]);
  closers.addStep('answers', () => answers.stop());
  const ears = await broker.subscribe('scheduler', [
    hearJobFinished(createConcludeFire({ ...{ fires, handlerWaitMs, wake, watch }, wakeIn: (ms) => alarm.wakeIn(ms) })),
    hearPluginEnabled(schedules, wake),
    hearPluginDisabled(schedules),
    hearPluginUninstalled(schedules),
  ]);
  closers.addStep('facts', () => ears.stop());
  const askInstalled = (tenants: { tenant: string }[]) =>
    broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } }, { deadlineMs: INSTALLER_DEADLINE_MS });
  const rounds = (what: string, round: () => Promise<unknown>) => closers.add(roundsOf(round, what, log));
  const setBack = rounds(
    'could not look whether the clock was set back; tried again',
    createNoticeSetBack(schedules, cronTimes, watch, wake),
  );
  const reconciling = rounds(
    'could not compare plugins with the installer; tried again',
    createReconcilePlugins(schedules, askInstalled, wake),
  );
  const forgetting = rounds('old runs could not be removed; tried again', () => fires.forget(config.historyDays));
  closers.add(
    startSweep({
      everyMs: config.sweepMs,
      due: wake,
      setBack: () => setBack.run(),
      plugins: () => reconciling.run(),
      old: () => forgetting.run(),
    }),
  );

  const assertInstalled = createAssertInstalled(askInstalled);
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

/** Rounds that come again anyway: one line when they begin to fail, not one for each. */
function roundsOf(round: () => Promise<unknown>, failed: string, log: Logger): OneAtATime {
  let failing = false;
  return new OneAtATime(
    async () => {
      await round();
      failing = false;
    },
    (error) => {
      if (!failing) log.warn({ err: error }, failed);
      failing = true;
    },
  );
}
