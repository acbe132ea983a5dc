import type { EntityManager } from 'typeorm';
import type { NewRequest, Stored } from '../intake/request-book.ts';
import type { WebhookRequest } from '../intake/webhook-request.ts';
import { RequestTable } from './request-table.ts';

/** Stores a request under the sender's name for its delivery; one that came before under that name is the answer instead. */
export async function acceptRequest(manager: EntityManager, request: NewRequest, sendInMs: number): Promise<Stored> {
  const stored = await insert(manager, request, sendInMs);
  if (stored !== undefined) return { kind: 'new', request: stored };
  const { tenant, pluginId, webhook, deliveryId } = request;
  const name = [tenant, pluginId, webhook, deliveryId];
  const duplicate = await manager.transaction(async (locking) => {
    const [named] = await locking.query<{ request_id: string }[]>(
      `SELECT request_id FROM delivery_ids WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3 AND delivery_id = $4 FOR UPDATE`,
      name,
    );
    const requestId = named?.request_id;
    const first = requestId === undefined ? null : await locking.findOneBy(RequestTable, { requestId });
    if (first !== null && !wasRefused(first)) return first;
    await locking.query(
      'DELETE FROM delivery_ids WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3 AND delivery_id = $4',
      name,
    );
    return undefined;
  });
  // The name is free now, unless another try took it in between; then that one is the first.
  return duplicate === undefined ? acceptRequest(manager, request, sendInMs) : { kind: 'duplicate', of: duplicate };
}

/** Sends again after a failure or a refusal is not a repetition, it is the sender's next try. */
function wasRefused({ state, outcome, answerStatus }: WebhookRequest): boolean {
  return state === 'finished' && (outcome !== 'answered' || (answerStatus ?? 500) >= 400);
}

/** In one statement, so that name and request are there together. */
const NAMED = `WITH named AS (
    INSERT INTO delivery_ids (tenant, plugin_id, webhook, delivery_id, request_id) VALUES ($2, $3, $4, $5, $1)
    ON CONFLICT DO NOTHING RETURNING request_id
  )`;

/** Undefined when there is one of the same delivery id. */
async function insert(
  manager: EntityManager,
  request: NewRequest,
  sendInMs: number,
): Promise<WebhookRequest | undefined> {
  const { requestId, tenant, pluginId, webhook, deliveryId, method, url, headers, body, bodyBytes } = request;
  const [row] = await manager.query<{ received_at: Date; send_at: Date }[]>(
    `${deliveryId === null ? '' : NAMED}
     INSERT INTO requests (request_id, tenant, plugin_id, webhook, delivery_id, method, url, headers, body, body_bytes, send_at)
     SELECT $1::uuid, $2, $3, $4, $5, $6, $7, $8::json, $9::bytea, $10::integer, now() + $11 * interval '1 ms'
     ${deliveryId === null ? '' : 'FROM named'} RETURNING received_at, send_at`,
    [
      ...[requestId, tenant, pluginId, webhook, deliveryId, method, url],
      ...[JSON.stringify(headers), body, bodyBytes, sendInMs],
    ],
  );
  if (row === undefined) return undefined;
  return {
    ...request,
    ...{ replayOf: null, receivedAt: row.received_at, state: 'accepted', sendAt: row.send_at, unanswered: 0 },
    ...{ outcome: null, answerStatus: null, answerHeaders: null, answerBody: null },
    ...{ error: null, tookMs: null, finishedAt: null },
  };
}
