import { afterEachOther, byKid, type Database, type SealedOwner, type SealedStore } from '@verifywise/service-kit';
import { READER_FIELD, WRITER_FIELD } from './plugin-database/plugin-roles.ts';
import { rows, touched } from './sql.ts';

interface Row {
  tenant: string;
  pluginId: string;
  writer_password: string;
  reader_password: string;
}

const COUNT = `SELECT split_part(sealed, ':', 2) AS kid, count(*)::integer AS count
  FROM plugin_databases, unnest(ARRAY[writer_password, reader_password]) sealed GROUP BY 1`;
const COPIES = `SELECT split_part(s.value, ':', 2) AS kid, count(*)::integer AS count
  FROM installations, jsonb_each_text(installation->'config'->'secrets') s GROUP BY 1`;
const AT_ONCE = 50;
const NEXT = `SELECT tenant, plugin_id AS "pluginId", writer_password, reader_password FROM plugin_databases
  WHERE (tenant, plugin_id) > ($2, $3)
    AND (split_part(writer_password, ':', 2) <> $1 OR split_part(reader_password, ':', 2) <> $1)
  ORDER BY tenant, plugin_id LIMIT ${AT_ONCE}`;

/** The passwords of plugins' database roles, for a change of keys; and the copies of settings that runners have. */
export function sealedPasswords({ source }: Database): SealedStore {
  const counted = async (sql: string) => byKid(await rows<{ kid: string; count: number }>(source, sql));
  return {
    what: 'passwords of plugins’ database roles',
    count: () => counted(COUNT),
    copies: () => counted(COPIES),
    async *owners(exceptKid) {
      const next = (...after: [string, string]) => rows<Row>(source, NEXT, [exceptKid, ...after]);
      for await (const row of afterEachOther(next)) yield ownerOf(source, row);
    },
  };
}

function ownerOf(source: Database['source'], row: Row): SealedOwner {
  const { tenant, pluginId, writer_password: writer, reader_password: reader } = row;
  return {
    secrets: [
      { place: { tenant, pluginId, field: WRITER_FIELD }, sealed: writer },
      { place: { tenant, pluginId, field: READER_FIELD }, sealed: reader },
    ],
    async replace(renewed) {
      const replaced = await touched(
        source,
        `UPDATE plugin_databases SET writer_password = $5, reader_password = $6
         WHERE tenant = $1 AND plugin_id = $2 AND writer_password = $3 AND reader_password = $4`,
        [tenant, pluginId, writer, reader, renewed[WRITER_FIELD], renewed[READER_FIELD]],
      );
      return replaced > 0;
    },
  };
}
