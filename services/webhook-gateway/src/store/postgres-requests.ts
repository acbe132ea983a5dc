import type { WebhookOutcome } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import { In, type EntityManager } from 'typeorm';
import type { NewRequest, RequestBook, Stored } from '../intake/request-book.ts';
import type { RequestSummary, WebhookRequest } from '../intake/webhook-request.ts';
import { RequestTable } from './request-table.ts';

const LONGEST_ERROR = 2_000;
/** A plugin that is not enabled for so long does not want it any more; an admin may still replay it. */
const GIVEN_UP_AFTER = '24 hours';

const SUMMARY: Record<keyof RequestSummary, true> = {
  ...{ requestId: true, tenant: true, pluginId: true, webhook: true, deliveryId: true, replayOf: true },
  ...{ method: true, url: true, receivedAt: true, state: true, sendAt: true, unanswered: true },
  ...{ outcome: true, answerStatus: true, error: true, tookMs: true, finishedAt: true },
};

/** The accepted requests in PostgreSQL, body included: nothing else needs to survive. */
export function postgresRequests({ source }: Database): RequestBook {
  const all = source.getRepository(RequestTable);
  return {
    accept: (request, leaseMs) => accept(source.manager, request, leaseMs),
    async replay(tenant, pluginId, requestId, newRequestId) {
      const rows = await source.query<unknown[]>(
        `INSERT INTO requests (request_id, tenant, plugin_id, webhook, replay_of, method, url, headers, body, send_at)
         SELECT $4, tenant, plugin_id, webhook, request_id, method, url, headers, body, now() FROM requests
         WHERE tenant = $1 AND plugin_id = $2 AND request_id = $3 RETURNING request_id`,
        [tenant, pluginId, requestId, newRequestId],
      );
      return rows.length === 0 ? undefined : all.findOneByOrFail({ requestId: newRequestId });
    },
    async find(tenant, pluginId, requestId) {
      return (await all.findOneBy({ tenant, pluginId, requestId })) ?? undefined;
    },
    list: (tenant, pluginId, most) =>
      all.find({ select: SUMMARY, where: { tenant, pluginId }, order: { receivedAt: 'DESC' }, take: most }),
    async claim(most, leaseMs) {
      const [claimed] = await source.query<[{ request_id: string }[], number]>(
        `UPDATE requests SET send_at = now() + $2 * interval '1 ms' WHERE request_id IN (
           SELECT request_id FROM requests WHERE state <> 'finished' AND send_at <= now()
           ORDER BY send_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING request_id`,
        [most, leaseMs],
      );
      if (claimed.length === 0) return [];
      return all.find({ where: { requestId: In(claimed.map((row) => row.request_id)) }, order: { receivedAt: 'ASC' } });
    },
    async markSent(requestId, sendAgainInMs) {
      await source.query(
        `UPDATE requests SET state = 'sent', unanswered = unanswered + 1, send_at = now() + $2 * interval '1 ms'
         WHERE request_id = $1 AND state <> 'finished'`,
        [requestId, sendAgainInMs],
      );
    },
    async giveBack(requestId, inMs) {
      await source.query(
        "UPDATE requests SET send_at = now() + $2 * interval '1 ms' WHERE request_id = $1 AND state <> 'finished'",
        [requestId, inMs],
      );
    },
    async conclude(tenant, outcome) {
      await conclude(source.manager, tenant, outcome);
    },
    async wait(tenant, outcome, inMs) {
      const [waiting] = await source.query<[unknown[], number]>(
        `UPDATE requests SET state = 'accepted', unanswered = 0, outcome = $3, send_at = now() + $4 * interval '1 ms'
         WHERE request_id = $1 AND tenant = $2 AND state <> 'finished' AND received_at > now() - interval '${GIVEN_UP_AFTER}'
         RETURNING request_id`,
        [outcome.requestId, tenant, outcome.outcome, inMs],
      );
      if (waiting.length === 0) await conclude(source.manager, tenant, outcome);
    },
    async forgetOlderThan(days) {
      await source.query("DELETE FROM requests WHERE received_at < now() - $1 * interval '1 day'", [days]);
      await source.query("DELETE FROM endpoint_tokens WHERE expires_at < now() - $1 * interval '1 day'", [days]);
    },
    async forgetPlugin(tenant, pluginId) {
      await all.delete({ tenant, pluginId });
    },
  };
}

/** Sends again after a failure or a refusal is not a repetition, it is the sender's next try. */
function wasRefused({ state, outcome, answerStatus }: WebhookRequest): boolean {
  return state === 'finished' && (outcome !== 'answered' || (answerStatus ?? 500) >= 400);
}

async function accept(manager: EntityManager, request: NewRequest, leaseMs: number): Promise<Stored> {
  const stored = await insert(manager, request, leaseMs);
  if (stored !== undefined) return { kind: 'new', request: stored };
  const { tenant, pluginId, webhook, deliveryId } = request;
  const duplicate = await manager.transaction(async (locking) => {
    const first = await locking.findOne(RequestTable, {
      where: { tenant, pluginId, webhook, deliveryId: deliveryId ?? '' },
      lock: { mode: 'pessimistic_write' },
    });
    if (first !== null && !wasRefused(first)) return first;
    if (first !== null) await locking.update(RequestTable, first.requestId, { deliveryId: null });
    return undefined;
  });
  // The name is free now, unless another try took it in between; then that one is the first.
  return duplicate === undefined ? accept(manager, request, leaseMs) : { kind: 'duplicate', of: duplicate };
}

/** Undefined when there is one of the same delivery id. */
async function insert(
  manager: EntityManager,
  request: NewRequest,
  leaseMs: number,
): Promise<WebhookRequest | undefined> {
  const { requestId, tenant, pluginId, webhook, deliveryId, method, url, headers, body } = request;
  const [row] = await manager.query<{ received_at: Date; send_at: Date }[]>(
    `INSERT INTO requests (request_id, tenant, plugin_id, webhook, delivery_id, method, url, headers, body, send_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10 * interval '1 ms')
     ON CONFLICT (tenant, plugin_id, webhook, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING
     RETURNING received_at, send_at`,
    [requestId, tenant, pluginId, webhook, deliveryId, method, url, JSON.stringify(headers), body, leaseMs],
  );
  if (row === undefined) return undefined;
  return {
    ...{
      ...request,
      replayOf: null,
      receivedAt: row.received_at,
      state: 'accepted',
      sendAt: row.send_at,
      unanswered: 0,
    },
    ...{ outcome: null, answerStatus: null, answerHeaders: null, answerBody: null },
    ...{ error: null, tookMs: null, finishedAt: null },
  };
}

/** The first outcome stays: it is what the sender was or could have been told. */
async function conclude(manager: EntityManager, tenant: string, outcome: WebhookOutcome): Promise<void> {
  const { requestId, answer, error, tookMs } = outcome;
  await manager.query(
    `UPDATE requests SET state = 'finished', outcome = $3, answer_status = $4, answer_headers = $5, answer_body = $6,
       error = $7, took_ms = $8, finished_at = now() WHERE request_id = $1 AND tenant = $2 AND state <> 'finished'`,
    [
      ...[requestId, tenant, outcome.outcome, answer?.status ?? null],
      ...[answer ? JSON.stringify(answer.headers) : null, answer ? Buffer.from(answer.bodyBase64, 'base64') : null],
      ...[error?.message.slice(0, LONGEST_ERROR) ?? null, Math.round(tookMs)],
    ],
  );
}
