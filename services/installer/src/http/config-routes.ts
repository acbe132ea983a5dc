import { actorOf } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { Request, Response } from 'express';
import type { HistoryQuery } from '../audit/audit-log.ts';
import type { ChangeConfig } from '../config/change-config.ts';
import type { ViewConfigHistory } from '../config/config-history.ts';
import type { ViewConfig } from '../config/config-view.ts';
import { configAnswer, configHistoryAnswer } from './answer-schemas.ts';
import { pluginIn, type Api } from './api.ts';
import { configBody, historyQuery } from './request-schemas.ts';

interface Needs {
  viewConfig: ViewConfig;
  viewHistory: ViewConfigHistory;
  changeConfig: ChangeConfig;
}

/** Settings of a plugin: read, changed, and who changed them. */
export function addConfigRoutes(api: Api, { viewConfig, viewHistory, changeConfig }: Needs): void {
  const path = '/api/plugins/:id/config';
  const show = async (req: Request, res: Response, tenant: string) => {
    const { view, revision } = await viewConfig(tenant, pluginIn(req));
    res.set('Cache-Control', 'no-store').set('ETag', `"${revision}"`).json(success(view));
  };
  api.add(
    {
      method: 'get',
      role: 'any',
      path,
      summary: 'Settings and their schema; of secrets, only which are set. The ETag is for If-Match of a change',
      answers: { 200: { description: 'The settings', data: configAnswer } },
    },
    (req, res, { tenant }) => show(req, res, tenant),
  );
  api.add(
    {
      method: 'put',
      role: 'Admin',
      path,
      summary: 'Changes the settings it names; with If-Match only when they are still as they were read (else 412)',
      headers: {
        type: 'object',
        properties: { 'If-Match': { type: 'string', description: 'The ETag of the settings as they were read' } },
      },
      body: configBody,
      answers: { 200: { description: 'The settings as they are now', data: configAnswer } },
    },
    async (req, res, who) => {
      const { config } = req.body as { config: Record<string, unknown> };
      const expected = revisionsIn(req.get('if-match'));
      const conditional = expected === undefined ? {} : { expected };
      await changeConfig(who.tenant, pluginIn(req), { changes: config, actor: actorOf(who), ...conditional });
      await show(req, res, who.tenant);
    },
  );
  api.add(
    {
      method: 'get',
      role: 'Admin',
      path: `${path}/history`,
      summary: 'Who changed which setting when; of secrets, only that they changed',
      query: historyQuery,
      answers: { 200: { description: 'One page, newest first', data: configHistoryAnswer } },
    },
    async (req, res, { tenant }) => {
      res.json(success(await viewHistory(tenant, pluginIn(req), req.query as unknown as HistoryQuery)));
    },
  );
}

/** `"a", W/"b"` or `*`. */
function revisionsIn(header: string | undefined): string[] | undefined {
  return header?.split(',').map((tag) => tag.trim().replace(/^(?:W\/)?"(.*)"$/, '$1'));
}
