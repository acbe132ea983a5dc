import type { DataSource, EntityManager } from 'typeorm';
import type { Envelope, FailedDeliverySelection, Page, Person, ReplayOutcome } from '@verifywise/contracts';
import { pageOf } from '@verifywise/contracts';
import { storableJson } from '@verifywise/service-kit';
import type {
  DeliveryAction,
  DeliveryAuditLine,
  DeliveryPage,
  DeliveryReplays,
  FailedDeliveries,
  FailedDelivery,
  FailedDeliveryLine,
  FailedDeliveryRecords,
  FailedDeliveryView,
  FailureGroup,
} from '../hosting/failed-deliveries.ts';
import type { LaneName, Tenure, UnparkedEvent } from '../hosting/parked-events.ts';
import { ParkedEventStore } from './parked-event-store.ts';
import { rows, touched } from './sql.ts';

/** An admin who has not seen what is wrong by the thousandth sees no more in the ones before it; each may carry a whole payload. */
const KEPT = 1_000;
/** What nobody has looked at for a month nobody repairs any more. */
const KEPT_FOR = `interval '30 days'`;
/** Looking for old ones reads them all. */
const OLD_ONES_EVERY_MS = 3_600_000;
/** So many wait for their plugin at most because of one request. */
const REPLAYED_AT_ONCE = 500;

const SELECTED = `tenant = $1 AND plugin_id = $2
  AND ($3::uuid[] IS NULL OR id = ANY($3)) AND ($4::text IS NULL OR fingerprint = $4) AND ($5::text IS NULL OR event = $5)
  AND ($6::timestamptz IS NULL OR failed_at >= $6) AND ($7::timestamptz IS NULL OR failed_at < $7)`;
const LINE = `id, position::text AS position, event, event_id AS "eventId", version, handler, attempts, fingerprint, error,
  failed_at AS "failedAt"`;

type Line = FailedDeliveryLine & { position: string };

interface Selected {
  id: string;
  version: string;
  handler: number;
  error: FailedDelivery['error'];
  payload: Envelope;
}

/** Failed deliveries in the runners' own schema. */
export class FailedDeliveryStore implements Pick<FailedDeliveries, 'add'>, FailedDeliveryRecords, DeliveryReplays {
  readonly #db: DataSource;
  #oldRemovedAt = -Infinity;

  constructor(db: DataSource) {
    this.#db = db;
  }

  async add(failed: FailedDelivery): Promise<void> {
    const { id, tenant, pluginId, version, event, envelope, handler, attempts, fingerprint, error } = failed;
    // The newest before it, as many as may stay, are found by the index.
    await this.#db.query(
      `WITH trimmed AS (
         DELETE FROM failed_deliveries
          WHERE tenant = $2 AND plugin_id = $3 AND failed_at <= (
                SELECT failed_at FROM failed_deliveries WHERE tenant = $2 AND plugin_id = $3
                 ORDER BY failed_at DESC OFFSET ${KEPT - 1} LIMIT 1))
       INSERT INTO failed_deliveries (id, tenant, plugin_id, version, event_id, event, payload, error, handler, attempts, fingerprint)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
      [
        ...[id, tenant, pluginId, version, envelope.id, event, JSON.stringify(envelope), storableJson(error)],
        ...[handler, attempts, fingerprint],
      ],
    );
    await this.#removeOld();
  }

  async list(
    of: LaneName,
    selection: FailedDeliverySelection,
    { limit, before = null }: DeliveryPage,
  ): Promise<Page<FailedDeliveryLine>> {
    const found = await rows<Line>(
      this.#db,
      `SELECT ${LINE} FROM failed_deliveries WHERE ${SELECTED} AND ($8::bigint IS NULL OR position < $8)
        ORDER BY position DESC LIMIT $9`,
      [...parametersOf(of, selection), before, limit + 1],
    );
    const shown = found.slice(0, limit);
    return {
      entries: shown.map(({ position: _position, ...line }) => line),
      next: found.length > limit ? (shown.at(-1)?.position ?? null) : null,
    };
  }

  async find({ tenant, pluginId }: LaneName, id: string): Promise<FailedDeliveryView | null> {
    const [found] = await rows<Line & { envelope: Envelope }>(
      this.#db,
      `SELECT ${LINE}, payload AS envelope FROM failed_deliveries WHERE tenant = $1 AND plugin_id = $2 AND id = $3`,
      [tenant, pluginId, id],
    );
    if (!found) return null;
    const { position: _position, envelope, ...line } = found;
    return { ...line, payload: envelope.payload };
  }

  async groups({ tenant, pluginId }: LaneName): Promise<FailureGroup[]> {
    return rows(
      this.#db,
      `SELECT fingerprint, event, count(*)::int AS count, min(failed_at) AS "firstAt", max(failed_at) AS "lastAt",
              (array_agg(error->>'message' ORDER BY position DESC))[1] AS message
         FROM failed_deliveries WHERE tenant = $1 AND plugin_id = $2
        GROUP BY fingerprint, event ORDER BY max(position) DESC`,
      [tenant, pluginId],
    );
  }

  async count(of: LaneName, selection: FailedDeliverySelection): Promise<number> {
    const [counted] = await rows<{ count: number }>(
      this.#db,
      `SELECT count(*)::int AS count FROM failed_deliveries WHERE ${SELECTED}`,
      parametersOf(of, selection),
    );
    return counted?.count ?? 0;
  }

  async discard(of: LaneName, selection: FailedDeliverySelection, actor: Person): Promise<number> {
    return this.#db.transaction(async (transaction) => {
      const discarded = await touched(
        transaction,
        `DELETE FROM failed_deliveries WHERE ${SELECTED}`,
        parametersOf(of, selection),
      );
      await addToAudit(transaction, of, { action: 'discard', selection, actor, count: discarded });
      return discarded;
    });
  }

  async replay(
    of: LaneName,
    { selection, actor }: { selection: FailedDeliverySelection; actor: Person },
    tenure: Tenure,
  ): Promise<ReplayOutcome | null> {
    return this.#db.transaction(async (transaction) => {
      const selected = await rows<Selected>(
        transaction,
        `SELECT id, version, handler, error, payload FROM failed_deliveries WHERE ${SELECTED}
          ORDER BY position LIMIT ${REPLAYED_AT_ONCE + 1} FOR UPDATE`,
        parametersOf(of, selection),
      );
      const tried = selected.slice(0, REPLAYED_AT_ONCE);
      const places = await new ParkedEventStore(transaction).add(of, eventsOf(tried), tenure);
      if (places === null) return null;
      const replayed = tried.filter(({ payload }) => places.has(payload.id)).map(({ id }) => id);
      await transaction.query('DELETE FROM failed_deliveries WHERE id = ANY($1)', [replayed]);
      await addToAudit(transaction, of, { action: 'replay', selection, actor, count: replayed.length });
      return {
        replayed: replayed.length,
        waiting: tried.length - replayed.length,
        more: selected.length > tried.length,
      };
    });
  }

  async audit({ tenant, pluginId }: LaneName, { limit, before }: DeliveryPage): Promise<Page<DeliveryAuditLine>> {
    const found = await rows<DeliveryAuditLine>(
      this.#db,
      `SELECT id, at, action, actor, selection, count FROM delivery_audit
        WHERE tenant = $1 AND plugin_id = $2 AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
      [tenant, pluginId, before ?? null, limit + 1],
    );
    return pageOf(found, limit);
  }

  async #removeOld(): Promise<void> {
    if (performance.now() - this.#oldRemovedAt < OLD_ONES_EVERY_MS) return;
    this.#oldRemovedAt = performance.now();
    await this.#db.query(`DELETE FROM failed_deliveries WHERE failed_at < now() - ${KEPT_FOR}`);
  }
}

/** One event for all of its failures: the handlers that failed are called again, those that worked are not. */
function eventsOf(selected: Selected[]): UnparkedEvent[] {
  const byEvent = Map.groupBy(selected, ({ payload }) => payload.id);
  return [...byEvent.values()].flatMap((failures) => {
    const [first] = failures;
    if (!first) return [];
    const failed = failures.map(({ handler, error }) => ({ handler, ...error }));
    return [{ envelope: first.payload, retry: { attempts: 0, version: first.version, failed, dueAt: 0 } }];
  });
}

async function addToAudit(
  transaction: EntityManager,
  { tenant, pluginId }: LaneName,
  entry: { action: DeliveryAction; selection: FailedDeliverySelection; actor: Person; count: number },
): Promise<void> {
  const { action, actor, selection, count } = entry;
  await transaction.query(
    'INSERT INTO delivery_audit (tenant, plugin_id, action, actor, selection, count) VALUES ($1, $2, $3, $4, $5, $6)',
    [tenant, pluginId, action, JSON.stringify(actor), JSON.stringify(selection), count],
  );
}

function parametersOf({ tenant, pluginId }: LaneName, selection: FailedDeliverySelection): unknown[] {
  const { ids = null, fingerprint = null, event = null, since = null, until = null } = selection;
  return [tenant, pluginId, ids, fingerprint, event, since, until];
}
