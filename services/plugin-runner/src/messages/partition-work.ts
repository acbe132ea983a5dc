import type { Broker, WorkDelivery } from '@verifywise/broker';
import type { Work } from '@verifywise/contracts';
import {
  ApplyInstallation,
  DeletePluginData,
  DeliverWebhook,
  ForgetInstallation,
  PlatformError,
  ReplayDeliveries,
  RunHook,
  RunJob,
} from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { Hosting } from '../hosting/hosting.ts';
import { isNeverStorable } from '../hosting/never-storable.ts';
import type { DeliveryReplays } from '../hosting/failed-deliveries.ts';
import type { InstallationRecords } from '../hosting/reconcile.ts';
import { pause } from '../pause.ts';
import { applyInstallation } from './apply-installation.ts';
import type { PluginData } from './delete-plugin-data.ts';
import { deletePluginData } from './delete-plugin-data.ts';
import type { CallWebhook } from './deliver-webhook.ts';
import { deliverWebhook } from './deliver-webhook.ts';
import type { FinishedSteps } from './finished-steps.ts';
import { forgetInstallation } from './forget-installation.ts';
import { replayDeliveries } from './replay-deliveries.ts';
import { runHook } from './run-hook.ts';
import { runJob } from './run-job.ts';

export interface WorkParts {
  hosting: Hosting;
  broker: Pick<Broker, 'publish'>;
  installations: InstallationRecords;
  steps: FinishedSteps;
  data: PluginData;
  replays: DeliveryReplays;
  callWebhook: CallWebhook;
  webhookLimitMs: number;
  /** Work was given up: the database can never keep what came of it. */
  notStorable: () => void;
  log: Logger;
}

type Handler = (payload: never, delivery: WorkDelivery) => Promise<void>;

/** Work that could not be recorded (the database or the broker is away) is tried again in place, this often at most. */
const AGAIN_MS = 500;
const AGAIN_AT_MOST_MS = 5_000;

/** Every kind of work a partition's owner does, by the name of its message. */
export function partitionWork(parts: WorkParts): (delivery: WorkDelivery) => Promise<void> {
  const { hosting, broker, installations, steps, data, replays, callWebhook, webhookLimitMs, notStorable, log } = parts;
  const handlers = new Map<string, Handler>();
  const on = <P, O>(work: Work<P, O>, handler: (payload: P, delivery: WorkDelivery) => Promise<void>) =>
    handlers.set(work.name, handler);
  on(RunHook, runHook(hosting, installations, steps));
  on(DeletePluginData, deletePluginData(data, steps));
  on(ApplyInstallation, applyInstallation(hosting, installations));
  on(ForgetInstallation, forgetInstallation(hosting, installations));
  on(DeliverWebhook, deliverWebhook(hosting, broker, callWebhook, webhookLimitMs));
  on(RunJob, runJob(hosting, broker));
  on(ReplayDeliveries, replayDeliveries(hosting, replays));

  return async (delivery) => {
    const { type, tenant, payload } = delivery.envelope;
    const handler = handlers.get(type);
    if (!handler || tenant === null) {
      delivery.reject(tenant === null ? 'work without a tenant' : `no such work: ${type}`);
      return;
    }
    for (let attempt = 1; !delivery.settled; attempt += 1) {
      try {
        await handler(payload as never, delivery);
        return;
      } catch (error) {
        // Left unsettled, it goes to the next runner when the channel closes.
        if (error instanceof PlatformError && error.code === 'NOT_THE_OWNER') return;
        if (isNeverStorable(error)) {
          notStorable();
          delivery.reject(`what came of it can never be stored: ${(error as Error).message}`);
          return;
        }
        log.warn(
          { err: error, work: type, tenant, id: delivery.envelope.id, attempt },
          'Work could not be finished; trying again',
        );
        await pause(Math.min(AGAIN_MS * attempt, AGAIN_AT_MOST_MS));
      }
    }
  };
}
