import { pageOf, type Page } from '@verifywise/contracts';
import type { DataSource } from 'typeorm';
import type { AuditLine, AuditLogs, AuditQuery, ConfigHistoryLine, HistoryQuery } from '../audit/audit-log.ts';

/** The audit log and the history of settings, read back. */
export class StoredAuditLogs implements AuditLogs {
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  async audit(tenant: string, { limit, before, pluginId, action, userId }: AuditQuery): Promise<Page<AuditLine>> {
    const lines = await this.#source.query<AuditLine[]>(
      `SELECT id, at, plugin_id AS "pluginId", action, actor, outcome, error, before, after,
              operation_id AS "operationId", parent_operation_id AS "parentOperationId", request
       FROM audit
       WHERE tenant = $1 AND ($3::bigint IS NULL OR id < $3) AND ($4::text IS NULL OR plugin_id = $4)
         AND ($5::text IS NULL OR action = $5) AND ($6::text IS NULL OR actor->>'userId' = $6)
       ORDER BY id DESC LIMIT $2`,
      [tenant, limit + 1, before ?? null, pluginId ?? null, action ?? null, userId ?? null],
    );
    return pageOf(lines, limit);
  }

  async configHistory(
    tenant: string,
    pluginId: string,
    { limit, before, field }: HistoryQuery,
  ): Promise<Page<ConfigHistoryLine>> {
    const lines = await this.#source.query<ConfigHistoryLine[]>(
      `SELECT id, at, field, secret, before, after, actor
       FROM config_history
       WHERE tenant = $1 AND plugin_id = $3 AND ($4::bigint IS NULL OR id < $4)
         AND ($5::text IS NULL OR replace(field, '/', '.') = $5)
       ORDER BY id DESC LIMIT $2`,
      [tenant, limit + 1, pluginId, before ?? null, field ?? null],
    );
    return pageOf(lines, limit);
  }
}
