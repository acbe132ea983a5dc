import { roleNames } from '../../../services/plugin-runner/src/store/plugin-database/plugin-names.ts';
import type { DatabaseView } from '../../support/database.ts';
import { BASE, BUNDLE, EXTRA, SHIPPED, SURVIVOR } from './gated-plugins.ts';

const PLUGINS = [BASE, EXTRA, SURVIVOR, SHIPPED, BUNDLE];

/** Everything the platform keeps about a tenant's plugins, in words that are the same for every tenant. */
export interface Stand {
  installed: unknown[];
  operations: { kind: string; plugin_id: string; status: string }[];
  runner: unknown[];
  surfaces: unknown[];
  tables: Record<string, string[]>;
  metadata: unknown[];
  configs: unknown[];
  audit: unknown[];
  schedules: unknown[];
}

interface Row {
  tenant: string;
}

interface SchemaRow {
  schema: string;
  columns: string[] | null;
}

/** Reads the stand of every one of these tenants. */
export async function standsOf(database: DatabaseView, tenants: string[]): Promise<Map<string, Stand>> {
  const read = async (sql: string): Promise<Map<string, unknown[]>> => {
    const rows = (await database.query(sql, [tenants])).rows as unknown as Row[];
    const found = Map.groupBy(rows, ({ tenant }) => tenant);
    return new Map(tenants.map((tenant) => [tenant, (found.get(tenant) ?? []).map(({ tenant: _, ...row }) => row)]));
  };
  const installed = await read(
    `SELECT i.tenant, i.plugin_id, i.version, i.state, i.desired, i.previous->>'version' AS previous, i.target, i.granted,
            i.package->>'digest' AS digest, i.last_error->>'code' AS error, r.generation = i.generation AS "runnerHasGeneration"
     FROM installer.installations i LEFT JOIN plugin_runner.installations r USING (tenant, plugin_id)
     WHERE i.tenant = ANY($1) ORDER BY i.plugin_id`,
  );
  const operations = await read(
    `SELECT o.tenant, o.kind, o.plugin_id, o.status, o.error->>'code' AS error, o.error->>'message' AS message, (
       SELECT json_agg(s.name || ' ' || s.status ORDER BY s.position) FROM installer.operation_steps s WHERE s.operation_id = o.id
     ) AS steps
     FROM installer.operations o WHERE o.tenant = ANY($1) ORDER BY o.created_at, o.parent_id NULLS FIRST`,
  );
  const runner = await read(
    `SELECT tenant, plugin_id, installation->>'version' AS version, installation->>'state' AS state, installation->>'desired' AS desired
     FROM plugin_runner.installations WHERE tenant = ANY($1) ORDER BY plugin_id`,
  );
  const surfaces = await read(
    `SELECT tenant, plugin_id, version, surface->'routes' AS routes, surface->'webhooks' AS webhooks
     FROM plugin_runner.surfaces WHERE tenant = ANY($1) ORDER BY plugin_id`,
  );
  const metadata = await read(
    `SELECT tenant, plugin_id, key, value FROM plugin_runner.metadata WHERE tenant = ANY($1) ORDER BY plugin_id, key`,
  );
  const configs = await read(
    `SELECT tenant, plugin_id, retained_since IS NOT NULL AS retained, "values", (
       SELECT json_agg(place ORDER BY place) FROM jsonb_object_keys(secrets) place
     ) AS secrets
     FROM installer.configs WHERE tenant = ANY($1) ORDER BY plugin_id`,
  );
  const audit = await read(`SELECT tenant, plugin_id, action FROM installer.audit WHERE tenant = ANY($1) ORDER BY id`);
  const schedules = await read(
    `SELECT tenant, plugin_id, name FROM scheduler.schedules WHERE tenant = ANY($1) ORDER BY plugin_id`,
  );
  const tables = await tablesOf(database, tenants);
  const of = (found: Map<string, unknown[]>, tenant: string) => found.get(tenant) ?? [];
  return new Map(
    tenants.map((tenant) => [
      tenant,
      {
        installed: of(installed, tenant),
        operations: of(operations, tenant) as Stand['operations'],
        runner: of(runner, tenant),
        surfaces: of(surfaces, tenant),
        tables: tables.get(tenant) ?? {},
        metadata: of(metadata, tenant),
        configs: of(configs, tenant),
        audit: of(audit, tenant),
        schedules: of(schedules, tenant),
      },
    ]),
  );
}

/** The columns of what plugins have made in PostgreSQL, by the plugin whose schema it is in; an empty schema counts. */
async function tablesOf(database: DatabaseView, tenants: string[]): Promise<Map<string, Stand['tables']>> {
  const { rows } = await database.query(
    `SELECT n.nspname AS schema, (
       SELECT array_agg(c.table_name || '.' || c.column_name ORDER BY c.table_name, c.column_name)
       FROM information_schema.columns c WHERE c.table_schema = n.nspname
     ) AS columns FROM pg_namespace n WHERE n.nspname LIKE 'p\\_%'`,
  );
  const columns = new Map((rows as unknown as SchemaRow[]).map((row) => [row.schema, row.columns ?? []]));
  return new Map(
    tenants.map((tenant) => [
      tenant,
      Object.fromEntries(
        PLUGINS.flatMap((pluginId) => {
          const found = columns.get(roleNames(database.name, tenant, pluginId).schema);
          return found === undefined ? [] : [[pluginId, found]];
        }),
      ),
    ]),
  );
}
