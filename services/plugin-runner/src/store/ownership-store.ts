import type { DataSource } from 'typeorm';
import type { Claim, Holding, Member, OwnershipRecords } from '../ownership/membership.ts';
import { rows } from './sql.ts';

/**
 * A runner whose heartbeat is older counts as gone. Three missed beats: a hiccup of the database or a long garbage collection passes,
 * and the standby of a killed runner still takes over within two seconds.
 */
const FRESH = `interval '1500 milliseconds'`;
/** Rows of runners that are long gone are of no use to anybody. */
const FORGET_AFTER = `interval '10 minutes'`;

export class OwnershipStore implements OwnershipRecords {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async beat({ id, url, draining }: Member): Promise<Member[]> {
    await this.#db.query(
      `INSERT INTO runners (id, url, draining) VALUES ($1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp(), url = $2, draining = $3`,
      [id, url, draining],
    );
    return rows<Member>(
      this.#db,
      `SELECT id, url, draining FROM runners WHERE beat_at > clock_timestamp() - ${FRESH} ORDER BY id`,
    );
  }

  async leave(runnerId: string): Promise<void> {
    await this.#db.query(`DELETE FROM runners WHERE id = $1 OR beat_at < clock_timestamp() - ${FORGET_AFTER}`, [
      runnerId,
    ]);
  }

  async claim(partition: number, runnerId: string): Promise<Claim> {
    await this.#db.query('INSERT INTO partitions (partition) VALUES ($1) ON CONFLICT DO NOTHING', [partition]);
    const [held] = await rows<{ epoch: string }>(
      this.#db,
      // Holding it already keeps the epoch: nobody else can have worked under another one in between.
      `UPDATE partitions p
          SET epoch = CASE WHEN runner_id = $2 THEN epoch ELSE epoch + 1 END,
              since = CASE WHEN runner_id = $2 THEN since ELSE clock_timestamp() END,
              runner_id = $2, released = false
        WHERE partition = $1
          AND (runner_id = $2 OR runner_id IS NULL OR released OR NOT EXISTS (
                SELECT 1 FROM runners r WHERE r.id = p.runner_id AND r.beat_at > clock_timestamp() - ${FRESH}))
        RETURNING epoch`,
      [partition, runnerId],
    );
    if (held) return { kind: 'held', epoch: Number(held.epoch) };
    const [row] = await rows<{ runner_id: string }>(this.#db, 'SELECT runner_id FROM partitions WHERE partition = $1', [
      partition,
    ]);
    return { kind: 'taken', by: row?.runner_id ?? 'nobody' };
  }

  async release(partitions: number[], runnerId: string): Promise<void> {
    await this.#db.query('UPDATE partitions SET released = true WHERE partition = ANY($1) AND runner_id = $2', [
      partitions,
      runnerId,
    ]);
  }

  async holdings(): Promise<Holding[]> {
    const found = await rows<{
      partition: number;
      runner_id: string | null;
      epoch: string;
      since: Date;
      released: boolean;
    }>(this.#db, 'SELECT partition, runner_id, epoch, since, released FROM partitions ORDER BY partition');
    return found.map((row) => ({
      partition: row.partition,
      runnerId: row.runner_id,
      epoch: Number(row.epoch),
      since: row.since,
      released: row.released,
    }));
  }
}
