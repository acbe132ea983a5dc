import type { DataSource } from 'typeorm';
import type { PluginError } from '../installation/installed-plugin.ts';
import type { AlertLine, AlertQuery, ErrorLine, Records } from '../installation/records.ts';
import { ALERT_COLUMNS } from './alert-columns.ts';

/** Alerts and errors, read back. */
export class StoredRecords implements Records {
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  alerts(tenant: string, { limit, acknowledged }: AlertQuery): Promise<AlertLine[]> {
    return this.#source.query<AlertLine[]>(
      `SELECT ${ALERT_COLUMNS} FROM alerts
       WHERE tenant = $1 AND ($3::boolean IS NULL OR (acknowledged_at IS NOT NULL) = $3)
       ORDER BY at DESC LIMIT $2`,
      [tenant, limit, acknowledged ?? null],
    );
  }

  /** Plugins that failed and whose next start is due. */
  dueStarts(): Promise<{ tenant: string; pluginId: string }[]> {
    return this.#source.query(
      `SELECT tenant, plugin_id AS "pluginId" FROM starts WHERE due_at <= now() ORDER BY due_at`,
    );
  }

  async failures(tenant: string, pluginId: string, limit: number): Promise<PluginError[]> {
    const rows = await this.#source.query<{ error: PluginError }[]>(
      'SELECT error FROM failures WHERE tenant = $1 AND plugin_id = $2 ORDER BY at DESC, report_id LIMIT $3',
      [tenant, pluginId, limit],
    );
    return rows.map(({ error }) => error);
  }

  failedSteps(tenant: string, pluginId: string, limit: number): Promise<ErrorLine[]> {
    return this.#source.query<ErrorLine[]>(
      `SELECT o.id AS "operationId", o.kind AS operation, s.name AS step, s.error->>'code' AS code,
              s.error->>'message' AS message, s.error->>'stack' AS stack, s.finished_at AS at
       FROM operations o JOIN operation_steps s ON s.operation_id = o.id
       WHERE o.tenant = $1 AND o.plugin_id = $2 AND s.error IS NOT NULL
       ORDER BY s.finished_at DESC NULLS LAST LIMIT $3`,
      [tenant, pluginId, limit],
    );
  }
}
