import { checked, jsonBody, success } from '@verifywise/service-kit';
import type { OpenApiRoute } from '@verifywise/service-kit';
import { Router } from 'express';
import type { Pool } from 'pg';
import type { EntityChanges } from '../changes/change-entity.ts';
import type { EntityFilters } from '../changes/entity-filters.ts';
import type { Entity } from '../entities/entity.ts';
import { actorOf, identityOf, mayWrite } from '../identity/bearer.ts';
import type { Page } from '../store/entity-store.ts';
import { entityStore } from '../store/entity-store.ts';
import { inTransaction } from '../store/transaction.ts';
import { describeEntity, pathOf } from './entity-descriptions.ts';

/** Also the name of the table works as a path: /api/vendor_risks. */
export function entityPaths(entity: Entity): string[] {
  return [...new Set([pathOf(entity), `/api/${entity.table}`])];
}

/** List, create, read, update and delete of one entity; to be mounted at its paths behind the bearer check. */
export function entityRoutes(entity: Entity, pool: Pool, changes: EntityChanges, filters: EntityFilters): Router {
  const { list, create, read, update, remove } = describeEntity(entity);
  const router = Router();

  router.get('/', checked(checks(list)), async (req, res) => {
    const { tenant } = identityOf(req);
    const page = req.query as unknown as Page;
    res.json(success(await inTransaction(pool, (query) => entityStore(query, entity).list(tenant, page))));
  });
  router.post('/', mayWrite, jsonBody(), checked(checks(create)), async (req, res) => {
    const row = await changes.create(actorOf(req), entity, req.body as Record<string, unknown>);
    res
      .status(201)
      .location(`${pathOf(entity)}/${row.id}`)
      .json(success(row));
  });
  router.get('/:id', checked(checks(read)), async (req, res) => {
    const { tenant } = identityOf(req);
    const row = await inTransaction(pool, (query) => entityStore(query, entity).find(tenant, Number(req.params.id)));
    res.json(success(await filters.afterLoad(tenant, entity, row)));
  });
  router.put('/:id', mayWrite, jsonBody(), checked(checks(update)), async (req, res) => {
    const values = req.body as Record<string, unknown>;
    res.json(success(await changes.update(actorOf(req), entity, Number(req.params.id), values)));
  });
  router.delete('/:id', mayWrite, checked(checks(remove)), async (req, res) => {
    await changes.remove(actorOf(req), entity, Number(req.params.id));
    res.status(204).end();
  });
  return router;
}

function checks({ params, query, body }: OpenApiRoute): Pick<OpenApiRoute, 'params' | 'query' | 'body'> {
  return {
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  };
}
