import { success } from '@verifywise/service-kit';
import type { AuditQuery } from '../audit/audit-log.ts';
import type { ViewAudit } from '../audit/view-audit.ts';
import { auditAnswer } from './answer-schemas.ts';
import { pluginIn, type Api } from './api.ts';
import { auditQuery, tenantAuditQuery } from './request-schemas.ts';

const answers = { 200: { description: 'One page, newest first', data: auditAnswer } };
const get = { method: 'get', role: 'Admin', answers } as const;

/** Who did what and when; kept also after an uninstallation. The queries were checked, and their defaults filled in. */
export function addAuditRoutes(api: Api, viewAudit: ViewAudit): void {
  api.add(
    {
      ...get,
      path: '/api/plugins/audit',
      summary: 'What was done to all plugins of the tenant',
      query: tenantAuditQuery,
    },
    async (req, res, { tenant }) => {
      res.json(success(await viewAudit(tenant, req.query as unknown as AuditQuery)));
    },
  );
  api.add(
    { ...get, path: '/api/plugins/:id/audit', summary: 'What was done to one plugin', query: auditQuery },
    async (req, res, { tenant }) => {
      res.json(success(await viewAudit(tenant, { ...(req.query as unknown as AuditQuery), pluginId: pluginIn(req) })));
    },
  );
}
