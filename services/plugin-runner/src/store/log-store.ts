import type { DataSource } from 'typeorm';
import type { LogLevel } from '../isolate/protocol.ts';
import type { LogFilter, LogLine, LogQuery, LogRecords, NewLine } from '../logs/log-line.ts';
import { logLevels } from '../logs/log-line.ts';
import { rows } from './sql.ts';

const KEPT_FOR = `interval '7 days'`;

interface Row {
  id: string;
  at: Date;
  level: number;
  version: string;
  message: string;
  meta: string | null;
}

const COLUMNS = 'id, at, level, version, message, meta';

/** Plugins' log lines in PostgreSQL. */
export class LogStore implements LogRecords {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async add(lines: readonly NewLine[]): Promise<void> {
    await this.#db.transaction(async (transaction) => {
      // While a tenant changes runners two of them write: a line that becomes visible later must not have the lower id, or whoever follows the log would never see it.
      await transaction.query(
        `SELECT 1 FROM turns
          WHERE name IN (SELECT 'logs:' || (hashtext(tenant) & 63) FROM unnest($1::text[]) AS t (tenant))
          ORDER BY name FOR UPDATE OF turns`,
        [lines.map(({ tenant }) => tenant)],
      );
      await transaction.query(
        `INSERT INTO plugin_logs (tenant, plugin_id, at, level, version, message, meta)
         SELECT tenant, plugin_id, at, level, version, message, meta
           FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[], $5::text[], $6::text[], $7::text[])
             WITH ORDINALITY AS line (tenant, plugin_id, at, level, version, message, meta, position)
          ORDER BY position`,
        [
          lines.map(({ tenant }) => tenant),
          lines.map(({ pluginId }) => pluginId),
          lines.map(({ at }) => at.toISOString()),
          lines.map(({ level }) => severityOf(level)),
          lines.map(({ version }) => version),
          lines.map(({ message }) => message),
          lines.map(({ meta }) => meta),
        ],
      );
    });
  }

  async trim(tenant: string, pluginId: string, keep: number): Promise<void> {
    await this.#db.query(
      `DELETE FROM plugin_logs
        WHERE tenant = $1 AND plugin_id = $2 AND id <= (
              SELECT id FROM plugin_logs WHERE tenant = $1 AND plugin_id = $2 ORDER BY id DESC OFFSET $3 LIMIT 1)`,
      [tenant, pluginId, keep],
    );
  }

  async removeOld(): Promise<void> {
    await this.#db.query(`DELETE FROM plugin_logs WHERE at < now() - ${KEPT_FOR}`);
  }

  async newest(tenant: string, pluginId: string, query: LogQuery): Promise<LogLine[]> {
    const { before = null, after = '0', since = null, limit } = query;
    return this.#read(
      `id > $5 AND ($6::bigint IS NULL OR id < $6) AND ($7::timestamptz IS NULL OR at >= $7) ORDER BY id DESC LIMIT $8`,
      [...about(tenant, pluginId, query), after, before, since, limit],
    );
  }

  async following(
    tenant: string,
    pluginId: string,
    after: string,
    filter: LogFilter,
    limit: number,
  ): Promise<LogLine[]> {
    return this.#read('id > $5 ORDER BY id LIMIT $6', [...about(tenant, pluginId, filter), after, limit]);
  }

  async lastId(tenant: string, pluginId: string): Promise<string> {
    const [row] = await rows<{ id: string | null }>(
      this.#db,
      'SELECT max(id) AS id FROM plugin_logs WHERE tenant = $1 AND plugin_id = $2',
      [tenant, pluginId],
    );
    return row?.id ?? '0';
  }

  async knows(tenant: string, pluginId: string): Promise<boolean> {
    const [row] = await rows<{ known: boolean }>(
      this.#db,
      `SELECT EXISTS (SELECT 1 FROM installations WHERE tenant = $1 AND plugin_id = $2)
           OR EXISTS (SELECT 1 FROM plugin_logs WHERE tenant = $1 AND plugin_id = $2) AS known`,
      [tenant, pluginId],
    );
    return row?.known === true;
  }

  async #read(condition: string, parameters: unknown[]): Promise<LogLine[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT ${COLUMNS} FROM plugin_logs
        WHERE tenant = $1 AND plugin_id = $2 AND level >= $3
          AND ($4::text IS NULL OR position(lower($4) IN lower(message)) > 0)
          AND at > now() - ${KEPT_FOR} AND ${condition}`,
      parameters,
    );
    return found.map(({ meta, level, ...row }) => ({
      ...row,
      level: logLevels[level] ?? 'info',
      meta: meta === null ? null : (JSON.parse(meta) as unknown),
    }));
  }
}

function about(tenant: string, pluginId: string, { level = 'debug', search }: LogFilter): unknown[] {
  return [tenant, pluginId, severityOf(level), search ?? null];
}

function severityOf(level: LogLevel): number {
  return logLevels.indexOf(level);
}
