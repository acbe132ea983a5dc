import { PlatformError } from '@verifywise/contracts';
import { tablePrefix } from '../../isolate/models/table-name.ts';
import type { PluginConnection } from './plugin-connections.ts';

/** Everything is named in full, operators too: the plugin may have put things of the same names before ours. */
const MISNAMED = `
  SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
    FROM pg_catalog.pg_shdepend d
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) d.refobjid
   WHERE r.rolname OPERATOR(pg_catalog.=) SESSION_USER
     AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
     AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.dbid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
     AND d.deptype OPERATOR(pg_catalog.=) 'o'
     AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog."char"[])
     AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
     AND NOT (n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) $1 AND pg_catalog.starts_with(c.relname::pg_catalog.text, $2))
   LIMIT 1`;

/** Rejects with TABLE_NAME_INVALID when the plugin has a table that is not named as S:15.2 says, or not in its own schema. */
export async function checkTableNames({ client, schema }: PluginConnection, pluginId: string): Promise<void> {
  const prefix = tablePrefix(pluginId);
  const { rows } = await client.query(MISNAMED, [schema, prefix]);
  const [wrong] = rows as { schema: string; name: string }[];
  if (!wrong) return;
  const what = wrong.schema === schema ? wrong.name : `${wrong.schema}.${wrong.name}`;
  throw new PlatformError(
    'TABLE_NAME_INVALID',
    `${what} is not a table of ${pluginId}: its tables are named ${prefix}<name>, without a schema; the statement was undone`,
    { details: { table: wrong.name, prefix } },
  );
}
