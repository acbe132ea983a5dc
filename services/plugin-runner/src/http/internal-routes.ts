import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { OPERATOR_ROLE } from '@verifywise/contracts';
import { requireRole, route, success } from '@verifywise/service-kit';
import type { Hosting } from '../hosting/hosting.ts';
import type { Assignment } from '../ownership/rendezvous.ts';
import type { Holding, Member } from '../ownership/membership.ts';
import { clusterAnswer, isolatesAnswer } from './internal-schemas.ts';

export interface ClusterView {
  members(): readonly Member[];
  assignment(partition: number): Assignment | null;
  holdings(): Promise<Holding[]>;
}

export const clusterRoute = route({
  method: 'get',
  path: '/internal/cluster',
  summary: 'Which runner holds which partition, since when, and who should',
  role: OPERATOR_ROLE,
  answers: { 200: { description: 'Runners and partitions', data: clusterAnswer } },
});

export const isolatesRoute = route({
  method: 'get',
  path: '/internal/isolates',
  summary: 'Every plugin this runner hosts, with the state of its isolate',
  role: OPERATOR_ROLE,
  answers: { 200: { description: 'Hosted plugins', data: isolatesAnswer } },
});

/** What operators see of a runner. */
export function internalRoutes(identity: RequestHandler, cluster: ClusterView, hosting: Pick<Hosting, 'list'>): Router {
  const router = Router();
  const operator: RequestHandler[] = [identity, requireRole(OPERATOR_ROLE)];
  router.get(clusterRoute.path, operator, async (_req: Request, res: Response) => {
    const partitions = (await cluster.holdings()).map((holding) => ({
      ...holding,
      assigned: cluster.assignment(holding.partition),
    }));
    res.json(success({ runners: cluster.members(), partitions }));
  });
  router.get(isolatesRoute.path, operator, (_req: Request, res: Response) => {
    res.json(success({ isolates: hosting.list() }));
  });
  return router;
}
