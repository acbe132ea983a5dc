import { createHash } from 'node:crypto';

/** PostgreSQL cuts names at 63 bytes: this leaves room for what stands around the id. */
const LONGEST_ID_PART = 45;

export interface RoleNames {
  schema: string;
  writer: string;
  reader: string;
}

/** Roles belong to the whole server, so the database is part of their name; the tenant is only in the hash, because everybody sees names. */
export function roleNames(database: string, tenant: string, pluginId: string): RoleNames {
  const hash = createHash('sha256').update(`${database}/${tenant}/${pluginId}`).digest('hex').slice(0, 12);
  const name = `p_${pluginId.replaceAll('-', '_').slice(0, LONGEST_ID_PART)}_${hash}`;
  return { schema: name, writer: name, reader: `${name}_ro` };
}

/** The group that may read the core views of this database. */
export function coreReaders(database: string): string {
  return `plugin_core_${createHash('sha256').update(database).digest('hex').slice(0, 12)}`;
}
