import type { WebhookOutcome } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import { In, LessThan, type EntityManager, type FindOptionsWhere } from 'typeorm';
import type { RequestBook } from '../intake/request-book.ts';
import type { RequestSummary, WebhookRequest } from '../intake/webhook-request.ts';
import { acceptRequest } from './accept-request.ts';
import { dropOldDays, makeComingDays } from './keep-days.ts';
import { RequestTable } from './request-table.ts';

const LONGEST_ERROR = 2_000;
/** A plugin that is not enabled for so long does not want it any more; an admin may still replay it. */
const GIVEN_UP_AFTER = '24 hours';
/** Of one plugin in one claim, so that the backlog of one keeps nobody else waiting. */
const MOST_OF_ONE_PLUGIN = 10;

const SUMMARY: Record<keyof RequestSummary, true> = {
  ...{ requestId: true, tenant: true, pluginId: true, webhook: true, deliveryId: true, replayOf: true },
  ...{ method: true, url: true, bodyBytes: true, receivedAt: true, state: true, sendAt: true, unanswered: true },
  ...{ outcome: true, answerStatus: true, error: true, tookMs: true, finishedAt: true },
};

/** The accepted requests in PostgreSQL, body included: nothing else needs to survive. */
export function postgresRequests({ source }: Database): RequestBook {
  const all = source.getRepository(RequestTable);
  return {
    accept: (request, sendInMs) => acceptRequest(source.manager, request, sendInMs),
    replay: (tenant, pluginId, requestId, newRequestId) =>
      source.transaction((manager) => replay(manager, [tenant, pluginId, requestId, newRequestId])),
    async find(tenant, requestId) {
      return (await all.findOneBy({ tenant, requestId })) ?? undefined;
    },
    list(tenant, pluginId, { limit, before, webhook, outcome }) {
      const where: FindOptionsWhere<WebhookRequest> = { tenant, pluginId };
      if (before !== undefined) where.receivedAt = LessThan(before);
      if (webhook !== undefined) where.webhook = webhook;
      if (outcome !== undefined) where.outcome = outcome;
      return all.find({ select: SUMMARY, where, order: { receivedAt: 'DESC' }, take: limit });
    },
    async claim(most, leaseMs) {
      const [claimed] = await source.query<[{ request_id: string }[], number]>(
        `WITH due AS (SELECT DISTINCT tenant, plugin_id FROM requests WHERE state <> 'finished' AND send_at <= now()),
           picked AS (SELECT one.request_id FROM due, LATERAL (
             SELECT request_id FROM requests WHERE tenant = due.tenant AND plugin_id = due.plugin_id
               AND state <> 'finished' AND send_at <= now()
             ORDER BY send_at LIMIT ${MOST_OF_ONE_PLUGIN} FOR UPDATE SKIP LOCKED) AS one LIMIT $1)
         UPDATE requests SET send_at = now() + $2 * interval '1 ms'
         WHERE request_id IN (SELECT request_id FROM picked) RETURNING request_id`,
        [most, leaseMs],
      );
      if (claimed.length === 0) return [];
      return all.find({ where: { requestId: In(claimed.map((row) => row.request_id)) }, order: { receivedAt: 'ASC' } });
    },
    async markSent({ requestId }, sendAgainInMs) {
      await source.query(
        `UPDATE requests SET state = 'sent', unanswered = unanswered + 1, send_at = now() + $2 * interval '1 ms'
         WHERE request_id = $1 AND state <> 'finished'`,
        [requestId, sendAgainInMs],
      );
    },
    async giveBack({ requestId }, inMs) {
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
    async wakeWaiting(tenant, pluginId) {
      await source.query(
        `UPDATE requests SET send_at = now() WHERE tenant = $1 AND plugin_id = $2 AND state = 'accepted' AND outcome = 'not-enabled'`,
        [tenant, pluginId],
      );
    },
    async discard({ requestId, tenant, pluginId, webhook, deliveryId }) {
      await source.query('DELETE FROM requests WHERE request_id = $1', [requestId]);
      await source.query('DELETE FROM body_chunks WHERE request_id = $1', [requestId]);
      if (deliveryId === null) return;
      await source.query(
        'DELETE FROM delivery_ids WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3 AND delivery_id = $4 AND request_id = $5',
        [tenant, pluginId, webhook, deliveryId, requestId],
      );
    },
    async forgetOlderThan(days) {
      await makeComingDays(source);
      await dropOldDays(source, days);
      await source.query("DELETE FROM delivery_ids WHERE named_at < now() - $1 * interval '1 day'", [days]);
      await source.query("DELETE FROM endpoint_tokens WHERE expires_at < now() - $1 * interval '1 day'", [days]);
    },
    async forgetPlugin(tenant, pluginId) {
      await source.query(
        'DELETE FROM body_chunks WHERE request_id IN (SELECT request_id FROM requests WHERE tenant = $1 AND plugin_id = $2 AND body IS NULL)',
        [tenant, pluginId],
      );
      for (const table of ['requests', 'delivery_ids', 'webhook_settings', 'sender_accounts', 'known_secrets'])
        await source.query(`DELETE FROM ${table} WHERE tenant = $1 AND plugin_id = $2`, [tenant, pluginId]);
      for (const table of ['rate_limits', 'throttles'])
        await source.query(`DELETE FROM ${table} WHERE tenant = $1 AND plugin_id = $2`, [tenant, pluginId]);
    },
  };
}

async function replay(
  manager: EntityManager,
  ids: [tenant: string, pluginId: string, requestId: string, newRequestId: string],
): Promise<WebhookRequest | undefined> {
  const [, , requestId, newRequestId] = ids;
  const rows = await manager.query<unknown[]>(
    `INSERT INTO requests (request_id, tenant, plugin_id, webhook, replay_of, method, url, headers, body, body_bytes, send_at)
     SELECT $4, tenant, plugin_id, webhook, request_id, method, url, headers, body, body_bytes, now() FROM requests
     WHERE tenant = $1 AND plugin_id = $2 AND request_id = $3 RETURNING request_id`,
    ids,
  );
  if (rows.length === 0) return undefined;
  await manager.query(
    'INSERT INTO body_chunks (request_id, position, bytes) SELECT $2, position, bytes FROM body_chunks WHERE request_id = $1',
    [requestId, newRequestId],
  );
  return manager.findOneByOrFail(RequestTable, { requestId: newRequestId });
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
