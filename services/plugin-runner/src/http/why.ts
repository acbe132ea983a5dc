import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { Installation, ShownPlugin } from '@verifywise/contracts';
import { OPERATOR_ROLE, partitionOf } from '@verifywise/contracts';
import { checked, requireRole, route, success } from '@verifywise/service-kit';
import { explainPlugin } from '../explaining/explain-plugin.ts';
import type { ClusterView } from './internal-routes.ts';

const name = { type: 'string', minLength: 1, maxLength: 200 } as const;

export const whyRoute = route({
  method: 'get',
  path: '/internal/why',
  summary:
    'Why a plugin of a tenant does what it does, or nothing: which runner hosts it, in which state, what waits for it',
  role: OPERATOR_ROLE,
  query: {
    type: 'object',
    required: ['tenant', 'plugin'],
    additionalProperties: false,
    properties: { tenant: name, plugin: name },
  },
  answers: {
    200: {
      description: 'In sentences, and what they were made of',
      data: {
        type: 'object',
        required: ['because', 'partition', 'holding', 'assigned', 'installation', 'plugin'],
        properties: {
          because: { type: 'array', items: { type: 'string' } },
          partition: { type: 'integer' },
          holding: { type: ['object', 'null'] },
          assigned: { type: ['object', 'null'] },
          installation: { type: ['object', 'null'] },
          plugin: { type: ['object', 'null'], description: 'As the runner that hosts it sees it' },
        },
      },
    },
  },
});

interface Parts {
  identity: RequestHandler;
  partitions: number;
  cluster: ClusterView;
  installationOf: (tenant: string, pluginId: string) => Promise<Installation | null>;
  /** Asks the runner that hosts it. */
  shown: (tenant: string, pluginId: string) => Promise<ShownPlugin | null>;
}

/** `GET /internal/why`: the same from every runner. */
export function why({ identity, partitions, cluster, installationOf, shown }: Parts): Router {
  const router = Router();
  router.get(
    whyRoute.path,
    [identity, requireRole(OPERATOR_ROLE), checked(whyRoute)],
    async (req: Request, res: Response) => {
      const { tenant, plugin: pluginId } = req.query as { tenant: string; plugin: string };
      const partition = partitionOf(tenant, partitions);
      const [installation, hosted, holdings] = await Promise.all([
        installationOf(tenant, pluginId),
        shown(tenant, pluginId).catch((error: unknown) => error as Error),
        cluster.holdings(),
      ]);
      const place = {
        ...{ partition, assigned: cluster.assignment(partition), runners: cluster.members() },
        holding: holdings.find((holding) => holding.partition === partition) ?? null,
      };
      const because = explainPlugin({ tenant, pluginId, place, installation, hosted, now: new Date() });
      const { version, state, desired, generation, granted } = installation ?? {};
      res.json(
        success({
          ...{ because, partition, holding: place.holding, assigned: place.assigned },
          installation: installation && { version, state, desired, generation, granted },
          plugin: hosted instanceof Error ? null : hosted,
        }),
      );
    },
  );
  return router;
}
