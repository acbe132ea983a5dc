import { Router } from 'express';
import type { Request, RequestHandler } from 'express';
import type { FailedDeliverySelection, ReplayOutcome, ReplayRequest } from '@verifywise/contracts';
import { PlatformError, actorOf } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requireRole, success } from '@verifywise/service-kit';
import type { DeliveryPage, FailedDeliveryRecords } from '../hosting/failed-deliveries.ts';
import type { LaneName } from '../hosting/parked-events.ts';
import { failedDeliveryRoutes as described } from './failed-delivery-routes.ts';
import type { KnowsPlugin } from './known-plugin.ts';
import { knownPlugin } from './known-plugin.ts';

/** A thousand ids, and what stands around them. */
const SELECTION_BYTES = 64 * 1024;

interface Parts {
  identity: RequestHandler;
  /** Whether the same POST was answered before. */
  once: RequestHandler;
  records: FailedDeliveryRecords;
  knows: KnowsPlugin;
  /** Has the runner that hosts the plugin replay them; rejects when the plugin is not enabled. */
  replay: (tenant: string, request: ReplayRequest) => Promise<ReplayOutcome>;
}

/** `/api/plugins/:id/deliveries` (contract §5): what a plugin's handlers have failed at, the same from every runner. */
export function failedDeliveries({ identity, once, records, knows, replay }: Parts): Router {
  const router = Router();
  const admin: RequestHandler[] = [identity, requireRole('Admin')];
  const acting: RequestHandler[] = [...admin, jsonBody(SELECTION_BYTES), once];
  const known = knownPlugin(knows, '; nothing of it has failed');
  const replayed = ({ tenant, pluginId }: LaneName, selection: FailedDeliverySelection, req: Request) =>
    replay(tenant, { pluginId, selection, actor: actorOf(identityOf(req)) });

  router.get(described.list.path, ...admin, checked(described.list), async (req, res) => {
    const { limit, before, ...selection } = req.query as unknown as DeliveryPage & FailedDeliverySelection;
    res.json(success(await records.list(await known(req), selection, { limit, before })));
  });
  router.get(described.groups.path, ...admin, async (req, res) => {
    res.json(success({ groups: await records.groups(await known(req)) }));
  });
  router.get(described.audit.path, ...admin, checked(described.audit), async (req, res) => {
    res.json(success(await records.audit(await known(req), req.query as unknown as DeliveryPage)));
  });
  router.get(described.show.path, ...admin, checked(described.show), async (req, res) => {
    const of = await known(req);
    const found = await records.find(of, String(req.params.deliveryId));
    if (!found) throw notThere(of.pluginId, req);
    res.json(success(found));
  });
  router.post(described.replay.path, ...acting, checked(described.replay), async (req, res) => {
    const { dryRun = false, ...selection } = req.body as FailedDeliverySelection & { dryRun?: boolean };
    const of = await known(req);
    if (dryRun) res.json(success({ wouldReplay: await records.count(of, selection) }));
    else res.json(success(await replayed(of, selection, req)));
  });
  router.post(described.replayOne.path, ...acting, checked(described.replayOne), async (req, res) => {
    const of = await known(req);
    const one = { ids: [String(req.params.deliveryId)] };
    if ((await records.count(of, one)) === 0) throw notThere(of.pluginId, req);
    res.json(success(await replayed(of, one, req)));
  });
  router.post(described.discard.path, ...acting, checked(described.discard), async (req, res) => {
    const { dryRun = false, ...selection } = req.body as FailedDeliverySelection & { dryRun?: boolean };
    const of = await known(req);
    if (dryRun) res.json(success({ wouldDiscard: await records.count(of, selection) }));
    else res.json(success({ discarded: await records.discard(of, selection, actorOf(identityOf(req))) }));
  });
  return router;
}

function notThere(pluginId: string, req: Request): PlatformError {
  const id = String(req.params.deliveryId);
  return new PlatformError(
    'NOT_FOUND',
    `${pluginId} has no failed delivery ${id}: it was replayed, discarded or removed with age`,
  );
}
