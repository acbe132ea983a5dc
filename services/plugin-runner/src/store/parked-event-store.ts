import type { DataSource, EntityManager } from 'typeorm';
import type { Envelope } from '@verifywise/contracts';
import type { EventRetry } from '../hosting/event-retries.ts';
import type { LaneName, ParkedEvent, ParkedEvents, Tenure, UnparkedEvent } from '../hosting/parked-events.ts';
import { rows } from './sql.ts';

interface Row {
  position: string;
  envelope: Envelope;
  retry: EventRetry | null;
}

const OF_LANE = 'tenant = $1 AND plugin_id = $2';

/** Parked events in the runners' own schema, found by whoever holds the partition next. */
export class ParkedEventStore implements ParkedEvents {
  readonly #db: DataSource | EntityManager;

  constructor(db: DataSource | EntityManager) {
    this.#db = db;
  }

  async add(
    { tenant, pluginId }: LaneName,
    events: UnparkedEvent[],
    { partition, epoch }: Tenure,
  ): Promise<Map<string, number> | null> {
    const [added] = await rows<{ held: boolean; places: { event_id: string; position: number }[] | null }>(
      this.#db,
      // Whoever claims the partition, or uninstalls the plugin, waits for these locks: nothing is parked behind their backs.
      `WITH held AS MATERIALIZED (
              SELECT p.partition FROM partitions p, installations i
               WHERE p.partition = $3 AND p.epoch = $4 AND i.tenant = $1 AND i.plugin_id = $2
                 FOR SHARE OF p FOR KEY SHARE OF i),
            added AS (
              INSERT INTO parked_events (tenant, plugin_id, partition, event_id, envelope, retry)
              SELECT $1, $2, held.partition, event.id, event.envelope::json, event.retry::json
                FROM held, unnest($5::text[], $6::text[], $7::text[]) WITH ORDINALITY AS event (id, envelope, retry, at)
               ORDER BY event.at
              ON CONFLICT (tenant, plugin_id, event_id) DO NOTHING
              RETURNING event_id, position)
       SELECT EXISTS (SELECT FROM held) AS held, (SELECT json_agg(added) FROM added) AS places`,
      [
        ...[tenant, pluginId, partition, epoch],
        events.map(({ envelope }) => envelope.id),
        events.map(({ envelope }) => JSON.stringify(envelope)),
        events.map(({ retry }) => (retry ? JSON.stringify(retry) : null)),
      ],
    );
    if (!added?.held) return null;
    return new Map((added.places ?? []).map(({ event_id, position }) => [event_id, position]));
  }

  async after({ tenant, pluginId }: LaneName, position: number, atMost: number): Promise<ParkedEvent[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT position, envelope, retry FROM parked_events WHERE ${OF_LANE} AND position > $3 ORDER BY position LIMIT $4`,
      [tenant, pluginId, position, atMost],
    );
    return found.map(parkedEvent);
  }

  async remove({ tenant, pluginId }: LaneName, positions: number[]): Promise<void> {
    await this.#db.query(`DELETE FROM parked_events WHERE ${OF_LANE} AND position = ANY($3)`, [
      tenant,
      pluginId,
      positions,
    ]);
  }

  async keepRetry({ tenant, pluginId }: LaneName, position: number, retry: EventRetry | undefined): Promise<void> {
    await this.#db.query(`UPDATE parked_events SET retry = $4 WHERE ${OF_LANE} AND position = $3`, [
      ...[tenant, pluginId, position],
      retry ? JSON.stringify(retry) : null,
    ]);
  }

  async withRetry({ tenant, pluginId }: LaneName): Promise<ParkedEvent[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT position, envelope, retry FROM parked_events WHERE ${OF_LANE} AND retry IS NOT NULL ORDER BY position`,
      [tenant, pluginId],
    );
    return found.map(parkedEvent);
  }

  async removeAll({ tenant, pluginId }: LaneName): Promise<void> {
    await this.#db.query(`DELETE FROM parked_events WHERE ${OF_LANE}`, [tenant, pluginId]);
  }

  async ofPartition(partition: number): Promise<(LaneName & { parked: number })[]> {
    return rows(
      this.#db,
      `SELECT tenant, plugin_id AS "pluginId", count(*)::int AS parked FROM parked_events WHERE partition = $1
        GROUP BY tenant, plugin_id`,
      [partition],
    );
  }
}

function parkedEvent({ position, envelope, retry }: Row): ParkedEvent {
  return { position: Number(position), envelope, retry: retry ?? undefined };
}
