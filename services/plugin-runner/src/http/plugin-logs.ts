import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { checked, requireRole, route, success } from '@verifywise/service-kit';
import type { LogFilter, LogLine, LogQuery, LogRecords } from '../logs/log-line.ts';
import { logLevels } from '../logs/log-line.ts';
import { knownPlugin } from './known-plugin.ts';
import type { LogStreams } from './log-streams.ts';

const cursor = { type: 'string', pattern: '^[0-9]{1,18}$' };
const filter = {
  level: { enum: logLevels, description: 'Only lines at least this severe' },
  search: { type: 'string', minLength: 1, maxLength: 200, description: 'Only lines whose message contains this' },
};
const lineSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    level: { enum: logLevels },
    version: { type: 'string' },
    message: { type: 'string' },
    meta: {},
  },
};
const STREAM_TYPE = 'text/event-stream';

export const pluginLogsRoute = route({
  method: 'get',
  path: '/api/plugins/:id/logs',
  summary: "The plugin's log, newest line first; with `Accept: text/event-stream` the same as …/logs/stream",
  role: 'Admin',
  query: {
    type: 'object',
    properties: {
      ...filter,
      before: { ...cursor, description: 'Only lines older than the one with this id: `next` of the page before' },
      after: { ...cursor, description: 'Only lines newer than the one with this id' },
      since: { type: 'string', format: 'date-time', description: 'Only lines of this moment or later' },
      limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
    },
  },
  answers: {
    200: {
      description: 'Lines, and the cursor of the next page or null.',
      data: {
        type: 'object',
        properties: { lines: { type: 'array', items: lineSchema }, next: { type: ['string', 'null'] } },
      },
    },
  },
});

export const pluginLogStreamRoute = route({
  method: 'get',
  path: '/api/plugins/:id/logs/stream',
  summary: "The plugin's log as it is written: from after the line of `Last-Event-ID` (or `after`), else from now on",
  role: 'Admin',
  query: { type: 'object', properties: { ...filter, after: cursor } },
  answers: {
    200: { description: 'An event `line` for each line, its id that of the line.', contentType: STREAM_TYPE },
  },
});

/** `GET /api/plugins/:id/logs` (contract §5), the same from every runner. */
export function pluginLogs(identity: RequestHandler, records: LogRecords, streams: LogStreams): Router {
  const router = Router();
  const admin: RequestHandler[] = [identity, requireRole('Admin')];
  const known = knownPlugin((...plugin) => records.knows(...plugin), ', and there is no log of it');
  const stream = async (req: Request, res: Response): Promise<void> => {
    const { tenant, pluginId } = await known(req);
    const { after, ...filtered } = req.query as LogFilter & { after?: string };
    const seen = lastEventId(req) ?? after ?? (await records.lastId(tenant, pluginId));
    await streams.follow(res, { tenant, pluginId, after: seen, filter: filtered });
  };
  router.get(pluginLogsRoute.path, admin, checked(pluginLogsRoute), async (req: Request, res: Response) => {
    if (req.method === 'GET' && req.accepts(['json', STREAM_TYPE]) === STREAM_TYPE) {
      await stream(req, res);
      return;
    }
    const { tenant, pluginId } = await known(req);
    const query = queryOf(req);
    // One more than asked for says whether there is a next page.
    const found = await records.newest(tenant, pluginId, { ...query, limit: query.limit + 1 });
    res.set('Cache-Control', 'no-store').json(success(page(found, query.limit)));
  });
  router.get(pluginLogStreamRoute.path, admin, checked(pluginLogStreamRoute), stream);
  return router;
}

function page(found: LogLine[], limit: number) {
  const lines = found.slice(0, limit);
  return { lines, next: found.length > limit ? (lines.at(-1)?.id ?? null) : null };
}

/** The query was checked, and its default filled in. */
function queryOf(req: Request): LogQuery {
  const { since, ...query } = req.query as unknown as Omit<LogQuery, 'since'> & { since?: string };
  return { ...query, ...(since === undefined ? {} : { since: new Date(since) }) };
}

/** What a browser sends when it connects again. */
function lastEventId(req: Request): string | undefined {
  const said = req.get('last-event-id');
  return said !== undefined && /^[0-9]{1,18}$/.test(said) ? said : undefined;
}
