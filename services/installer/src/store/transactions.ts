import {
  ApplyInstallation,
  fact,
  ForgetInstallation,
  partitionOf,
  PluginAlert,
  type Fact,
  type PluginFailure,
} from '@verifywise/contracts';
import type { Outbox } from '@verifywise/service-kit';
import type { EntityManager } from 'typeorm';
import type { AuditEntry } from '../audit/audit-log.ts';
import { installationOf, type ConfigRecord, type InstalledRecord } from '../installation/installed-plugin.ts';
import type { AlertLine } from '../installation/records.ts';
import type { Actor, Alert, ConfigChange, FailureEntry, Transaction } from '../installation/transaction.ts';
import { addToAudit } from './add-to-audit.ts';
import { ALERT_COLUMNS } from './alert-columns.ts';
import { ConfigTable, InstallationTable, type InstallationRow } from './tables.ts';

interface Said {
  fact: Fact<unknown>;
  tenant: string;
  payload: unknown;
}

export interface Transactions {
  run<Result>(work: (tx: Transaction, manager: EntityManager) => Promise<Result>): Promise<Result>;
}

/**
 * Transactions whose facts leave through the outbox; `committed` is called when there is something to relay. Who does not know how many
 * partitions there are changes only installations that are there.
 */
export function createTransactions(
  outbox: Outbox,
  partitions: number | undefined,
  committed: () => void,
): Transactions {
  return {
    async run(work) {
      const { result, said } = await outbox.database.source.transaction(async (manager) => {
        const tx = new StoredTransaction(manager, partitions);
        const worked = await work(tx, manager);
        for (const { fact, tenant, payload } of tx.said) await outbox.add(manager, fact, { tenant, payload });
        return { result: worked, said: tx.said.length };
      });
      if (said > 0) committed();
      return result;
    },
  };
}

/** Longer than any error budget looks back. */
const FAILURES_KEPT = `interval '8 days'`;
/** Of one plugin; no budget allows more. */
const MOST_FAILURES_KEPT = 1_000;
/** An alert that nobody has read for so long is read by nobody; what was done about it is in the audit log, which stays. */
const ALERTS_KEPT = `interval '90 days'`;
/** Of one tenant. */
const MOST_ALERTS_KEPT = 1_000;
/** Of one plugin, and of what it has set itself only: it may do so a thousand times a minute. */
const MOST_OWN_CHANGES_KEPT = 200;

class StoredTransaction implements Transaction {
  /** Kept for the end: adding to the outbox makes other transactions of the tenant wait. */
  readonly said: Said[] = [];
  readonly #manager: EntityManager;
  readonly #partitions: number | undefined;

  constructor(manager: EntityManager, partitions: number | undefined) {
    this.#manager = manager;
    this.#partitions = partitions;
  }

  async lockInstallation(tenant: string, pluginId: string): Promise<InstalledRecord | null> {
    const rows = this.#manager.getRepository(InstallationTable);
    const row = await rows.findOne({ where: { tenant, pluginId }, lock: { mode: 'pessimistic_write' } });
    return row === null ? null : recordOf(row);
  }

  findConfig(tenant: string, pluginId: string): Promise<ConfigRecord | null> {
    return this.#manager.getRepository(ConfigTable).findOneBy({ tenant, pluginId });
  }

  async nextGeneration(): Promise<number> {
    const rows = await this.#manager.query<{ generation: string }[]>(`SELECT nextval('generations') AS generation`);
    return Number(rows[0]?.generation);
  }

  async saveInstallation(record: InstalledRecord): Promise<void> {
    const known = this.#partitions === undefined ? {} : { partition: partitionOf(record.tenant, this.#partitions) };
    await this.#manager.getRepository(InstallationTable).save({ ...record, ...known });
  }

  async removeInstallation(tenant: string, pluginId: string): Promise<void> {
    await this.#manager.getRepository(InstallationTable).delete({ tenant, pluginId });
    await this.#manager.query('DELETE FROM failures WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
    await this.#manager.query('DELETE FROM starts WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
  }

  async saveConfig(config: ConfigRecord): Promise<void> {
    await this.#manager.getRepository(ConfigTable).save({ ...config });
  }

  async removeConfig(tenant: string, pluginId: string): Promise<void> {
    await this.#manager.getRepository(ConfigTable).delete({ tenant, pluginId });
  }

  async recordConfigChange(tenant: string, change: ConfigChange): Promise<void> {
    const { pluginId, place, secret, before, after, actor } = change;
    await this.#manager.query(
      `INSERT INTO config_history (tenant, plugin_id, field, secret, before, after, actor)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [tenant, pluginId, place, secret, jsonOf(before), jsonOf(after), jsonOf(actor)],
    );
    if ('service' in actor && actor.service === `plugin:${pluginId}`) await this.#forgetOwnChanges(tenant, pluginId);
  }

  async #forgetOwnChanges(tenant: string, pluginId: string): Promise<void> {
    const own = `tenant = $1 AND plugin_id = $2 AND actor->>'service' = 'plugin:' || plugin_id`;
    await this.#manager.query(
      `DELETE FROM config_history WHERE ${own} AND id <= (
         SELECT id FROM config_history WHERE ${own} ORDER BY id DESC OFFSET $3 LIMIT 1)`,
      [tenant, pluginId, MOST_OWN_CHANGES_KEPT],
    );
  }

  audit(tenant: string, entry: AuditEntry): Promise<void> {
    return addToAudit(this.#manager, tenant, entry);
  }

  async alert(tenant: string, alert: Alert, id: string): Promise<void> {
    const { pluginId, version, message, severity, suggestedFix, failure } = alert;
    const stored = await this.#manager.query<unknown[]>(
      `INSERT INTO alerts (id, tenant, plugin_id, version, message, severity, suggested_fix, failure)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING id`,
      [id, tenant, pluginId, version, message, severity, suggestedFix ?? null, jsonOf(failure)],
    );
    if (stored.length === 0) return;
    await this.#manager.query(`DELETE FROM alerts WHERE at < now() - ${ALERTS_KEPT}`);
    await this.#manager.query(
      `DELETE FROM alerts WHERE tenant = $1 AND at < (
         SELECT at FROM alerts WHERE tenant = $1 ORDER BY at DESC OFFSET $2 LIMIT 1)`,
      [tenant, MOST_ALERTS_KEPT - 1],
    );
    // Whoever hears it, other plugins too, has no role; the stack is read where one is asked for.
    const { stack: _, ...heard } = failure ?? {};
    await this.publish(PluginAlert, tenant, failure ? { ...alert, failure: heard as PluginFailure } : alert);
  }

  async acknowledgeAlert(
    tenant: string,
    id: string,
    actor: Actor,
  ): Promise<{ alert: AlertLine; first: boolean } | null> {
    const [made] = await this.#manager.query<[AlertLine[], number]>(
      `UPDATE alerts SET acknowledged_by = $3, acknowledged_at = now()
       WHERE tenant = $1 AND id = $2 AND acknowledged_at IS NULL RETURNING ${ALERT_COLUMNS}`,
      [tenant, id, jsonOf(actor)],
    );
    if (made[0] !== undefined) return { alert: made[0], first: true };
    const [known] = await this.#manager.query<AlertLine[]>(
      `SELECT ${ALERT_COLUMNS} FROM alerts WHERE tenant = $1 AND id = $2`,
      [tenant, id],
    );
    return known === undefined ? null : { alert: known, first: false };
  }

  async recordFailure(tenant: string, pluginId: string, failure: FailureEntry): Promise<boolean> {
    const { reportId, generation, error } = failure;
    const added = await this.#manager.query<unknown[]>(
      `INSERT INTO failures (report_id, tenant, plugin_id, generation, error, at) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (report_id) DO NOTHING RETURNING report_id`,
      [reportId, tenant, pluginId, generation, jsonOf(error), error.at],
    );
    await this.#manager.query(`DELETE FROM failures WHERE at < now() - ${FAILURES_KEPT}`);
    await this.#manager.query(
      `DELETE FROM failures WHERE tenant = $1 AND plugin_id = $2 AND at < (
         SELECT at FROM failures WHERE tenant = $1 AND plugin_id = $2 ORDER BY at DESC OFFSET $3 LIMIT 1)`,
      [tenant, pluginId, MOST_FAILURES_KEPT],
    );
    return added.length > 0;
  }

  async countFailures(tenant: string, pluginId: string, since: Date, sinceGeneration: number): Promise<number> {
    const rows = await this.#manager.query<{ failures: string }[]>(
      `SELECT count(*) AS failures FROM failures
       WHERE tenant = $1 AND plugin_id = $2 AND at > $3 AND generation >= $4`,
      [tenant, pluginId, since, sinceGeneration],
    );
    return Number(rows[0]?.failures);
  }

  async startLater(tenant: string, pluginId: string, generation: number, pauseMs: number): Promise<void> {
    await this.#manager.query(
      `INSERT INTO starts (tenant, plugin_id, generation, due_at) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')
       ON CONFLICT (tenant, plugin_id) DO UPDATE SET generation = excluded.generation, due_at = excluded.due_at`,
      [tenant, pluginId, generation, pauseMs],
    );
  }

  async takeDueStart(tenant: string, pluginId: string): Promise<number | null> {
    const [taken] = await this.#manager.query<[{ generation: string }[], number]>(
      'DELETE FROM starts WHERE tenant = $1 AND plugin_id = $2 AND due_at <= now() RETURNING generation',
      [tenant, pluginId],
    );
    return taken[0] === undefined ? null : Number(taken[0].generation);
  }

  publish<Payload>(said: Fact<Payload>, tenant: string, payload: Payload): Promise<void> {
    this.said.push({ fact: said, tenant, payload });
    return Promise.resolve();
  }

  async tellRunner(record: InstalledRecord): Promise<void> {
    const installation = installationOf(record, await this.findConfig(record.tenant, record.pluginId));
    await this.publish(fact(ApplyInstallation.name), record.tenant, { installation });
  }

  tellRunnerToForget(tenant: string, pluginId: string, generation: number): Promise<void> {
    return this.publish(fact(ForgetInstallation.name), tenant, { pluginId, generation });
  }
}

export function recordOf({ partition: _, ...record }: InstallationRow): InstalledRecord {
  return record;
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
