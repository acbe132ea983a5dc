import { success } from '@verifywise/service-kit';
import type { AuditLogs, AuditQuery } from '../audit/audit-log.ts';
import { auditAnswer } from './answer-schemas.ts';
import { pluginIn, type Api } from './api.ts';
import { auditQuery, tenantAuditQuery } from './request-schemas.ts';

const answers = { 200: { description: 'One page, newest first', data: auditAnswer } };
const get = { method: 'get', role: 'Admin', answers } as const;

/** Who did what and when; kept also after an uninstallation. */
export function addAuditRoutes(api: Api, logs: AuditLogs): void {
  api.add(
    {
      ...get,
      path: '/api/plugins/audit',
      summary: 'What was done to all plugins of the tenant',
      query: tenantAuditQuery,
    },
    async (req, res, { tenant }) => {
      res.json(success(await logs.audit(tenant, queryOf(req.query))));
    },
  );
  api.add(
    { ...get, path: '/api/plugins/:id/audit', summary: 'What was done to one plugin', query: auditQuery },
    async (req, res, { tenant }) => {
      res.json(success(await logs.audit(tenant, { ...queryOf(req.query), pluginId: pluginIn(req) })));
    },
  );
}

/** The query was checked, and its default filled in. */
function queryOf(query: unknown): AuditQuery {
  const { limit, before, pluginId, action, userId } = query as AuditQuery;
  return {
    limit,
    ...(before === undefined ? {} : { before }),
    ...(pluginId === undefined ? {} : { pluginId }),
    ...(action === undefined ? {} : { action }),
    ...(userId === undefined ? {} : { userId }),
  };
}
