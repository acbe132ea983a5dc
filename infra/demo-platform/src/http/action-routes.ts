import { PlatformError } from '@verifywise/contracts';
import { checked, jsonBody, route, success } from '@verifywise/service-kit';
import { Router } from 'express';
import type { Pool } from 'pg';
import type { EntityChanges } from '../changes/change-entity.ts';
import type { EntityFilters } from '../changes/entity-filters.ts';
import { occurred } from '../entities/entity.ts';
import { files } from '../entities/files.ts';
import { reports } from '../entities/reports.ts';
import { actorOf, identityOf, mayWrite } from '../identity/bearer.ts';
import { entityStore } from '../store/entity-store.ts';
import { inTransaction } from '../store/transaction.ts';

const idParams = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } } };

export const exportReport = route({
  method: 'post',
  path: '/api/reports/:id/export',
  summary: 'Exports a report and tells the plugins',
  role: 'any',
  params: idParams,
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['format'],
    properties: { format: { enum: ['pdf', 'docx', 'csv', 'json'] } },
  },
  answers: { 200: { description: 'The exported report', data: { type: 'object' } } },
});

export const fileContent = route({
  method: 'get',
  path: '/api/files/:id/content',
  summary: 'The bytes of a file',
  role: 'any',
  params: idParams,
  answers: { 200: { description: 'The bytes', contentType: 'application/octet-stream' } },
});

/** What can be done with rows beside reading and writing them. */
export function actionRoutes(pool: Pool, changes: EntityChanges, filters: EntityFilters): Router {
  const router = Router();
  router.post(
    exportReport.path,
    mayWrite,
    jsonBody(),
    checked({ params: exportReport.params, body: exportReport.body }),
    async (req, res) => {
      const actor = actorOf(req);
      const { format } = req.body as { format: string };
      const id = Number(req.params['id']);
      const stored = await inTransaction(pool, (query) => entityStore(query, reports).find(actor.tenant, id));
      const projectId = Number(stored['projectId']);
      const report = await filters.afterGenerate(actor, stored, { format });
      await changes.tell(actor, occurred('report:exported', { reportId: id, projectId, report, format }));
      res.json(success({ format, report }));
    },
  );
  router.get(fileContent.path, checked({ params: fileContent.params }), async (req, res) => {
    const { tenant } = identityOf(req);
    const id = Number(req.params['id']);
    const content = await inTransaction(pool, (query) => entityStore(query, files).hidden(tenant, id, 'contentBase64'));
    if (typeof content !== 'string') throw new PlatformError('NOT_FOUND', `File ${id} was uploaded without content`);
    // Never as what the uploader says it is: it would be shown as a page of this origin.
    res.attachment(`file-${id}`).type('application/octet-stream').send(Buffer.from(content, 'base64'));
  });
  return router;
}
