import { PlatformError } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { Request } from 'express';
import type { Operation } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import type { Api } from './api.ts';
import { operationView } from './operation-answer.ts';
import { operationAnswer } from './plugin-schemas.ts';

/** Nobody watches one operation for longer; a page that does connects again. */
const WATCH_LIMIT_MS = 15 * 60_000;
/** Proxies cut connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** How an operation stands, asked for or watched. */
export function addOperationRoutes(api: Api, operations: Operations): void {
  const found = async (req: Request, tenant: string): Promise<Operation> => {
    const id = String(req.params.operationId);
    const operation = UUID.test(id) ? await operations.find(tenant, id) : null;
    if (operation === null) throw new PlatformError('OPERATION_NOT_FOUND', 'There is no such operation');
    return operation;
  };

  api.add(
    {
      method: 'get',
      role: 'any',
      path: '/api/plugins/operations/:operationId',
      summary: 'How an operation stands',
      answers: { 200: { description: 'Its status and steps', data: operationAnswer } },
    },
    async (req, res, { tenant }) => {
      res.json(success(operationView(await found(req, tenant))));
    },
  );
  api.add(
    {
      method: 'get',
      role: 'any',
      path: '/api/plugins/operations/:operationId/events',
      summary: 'Follows an operation to its end',
      answers: {
        200: {
          description: 'An event `progress` for each change, its data as of the operation',
          contentType: 'text/event-stream',
        },
      },
    },
    async (req, res, { tenant }) => {
      const { id } = await found(req, tenant);
      const gone = new AbortController();
      res.once('close', () => gone.abort());
      res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
      res.flushHeaders();
      const heartbeat = setInterval(() => res.write(': still here\n\n'), HEARTBEAT_MS);
      try {
        for await (const operation of operations.watch(tenant, id, WATCH_LIMIT_MS, gone.signal)) {
          res.write(`event: progress\ndata: ${JSON.stringify(operationView(operation))}\n\n`);
        }
      } finally {
        clearInterval(heartbeat);
      }
      res.end();
    },
  );
}
