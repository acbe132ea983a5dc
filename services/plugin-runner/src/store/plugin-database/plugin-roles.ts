import { randomBytes } from 'node:crypto';
import type { SecretBox } from '@verifywise/service-kit';
import { SecretUnreadableError } from '@verifywise/service-kit';
import type { DataSource, EntityManager } from 'typeorm';
import { quoted } from '../quoted.ts';
import { rows } from '../sql.ts';
import { takeTurn } from '../turns.ts';
import { coreReaders, roleNames } from './plugin-names.ts';
import { scramVerifier } from './scram.ts';

/** Four for each runner, two runners while a tenant moves, and some that PostgreSQL has not yet seen leave. */
const CONNECTION_LIMIT = 12;
/** What one statement may write to disk while it sorts; only a superuser may set it. */
const TEMP_FILE_LIMIT = '512MB';

const TERMINATION_DEADLINE_MS = 2_000;

export interface DatabaseGrants {
  read: boolean;
  write: boolean;
}

export interface PluginRole {
  name: string;
  password: string;
}

/** The schema of one plugin of one tenant, and who may log in to it. */
export interface PluginRoles {
  schema: string;
  writer: PluginRole;
  reader: PluginRole;
}

interface Row {
  schema: string;
  writer_role: string;
  reader_role: string;
  writer_password: string;
  reader_password: string;
  can_read: boolean;
  can_write: boolean;
}

/** What the service's own user may do. */
interface Rights {
  database: string;
  superuser: boolean;
  limits_temp_files: boolean;
  version: number;
}

/** The schemas and login roles of plugins (docs/decisions/0007). All runners share them; each change is made by one at a time. */
export class PluginRoleStore {
  readonly #db: DataSource;
  readonly #secrets: SecretBox;
  #rights: Promise<Rights> | undefined;

  constructor(db: DataSource, secrets: SecretBox) {
    this.#db = db;
    this.#secrets = secrets;
  }

  /** Makes what is missing and grants what is granted. `mend` does so even where our records say that it is done. */
  async ensure(tenant: string, pluginId: string, grants: DatabaseGrants, mend = false): Promise<PluginRoles> {
    const known = mend ? undefined : await this.#known(this.#db.manager, tenant, pluginId);
    if (known && known.can_read === grants.read && known.can_write === grants.write) {
      const roles = this.#opened(tenant, pluginId, known);
      if (roles) return roles;
    }
    const rights = await this.rights();
    const { schema, writer, reader } = roleNames(rights.database, tenant, pluginId);
    return this.#db.transaction(async (db) => {
      await takeTurn(db, turnOf(schema));
      const own = { schema, writer: newRole(writer), reader: newRole(reader) };
      const row = await this.#known(db, tenant, pluginId);
      const roles = (row && this.#opened(tenant, pluginId, row)) ?? own;
      await this.#makeRoles(db, roles, rights);
      await grant(db, roles, grants, rights);
      await this.#save(db, tenant, pluginId, roles, grants);
      return roles;
    });
  }

  /** Drops the schema, all that its roles own, and the roles, whoever is logged in; nothing happens when there are none. */
  async drop(tenant: string, pluginId: string): Promise<void> {
    const rights = await this.rights();
    const { schema, writer, reader } = roleNames(rights.database, tenant, pluginId);
    await this.#shutOut([writer, reader], rights);
    await this.#db.transaction(async (db) => {
      await takeTurn(db, turnOf(schema));
      await db.query(`DROP SCHEMA IF EXISTS ${quoted(schema)} CASCADE`);
      for (const role of [reader, writer]) {
        if (!(await exists(db, role))) continue;
        await adopt(db, role, rights);
        await db.query(`DROP OWNED BY ${quoted(role)} CASCADE`);
        await db.query(`DROP ROLE ${quoted(role)}`);
      }
      await db.query('DELETE FROM plugin_databases WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
    });
  }

  /** Once there is the group that may read the core views. */
  rights(): Promise<Rights> {
    this.#rights ??= this.#readRights().catch((error: unknown) => {
      this.#rights = undefined;
      throw error;
    });
    return this.#rights;
  }

  async #readRights(): Promise<Rights> {
    const [found] = await rows<Rights>(
      this.#db,
      `SELECT current_database() AS database, rolsuper AS superuser,
              has_parameter_privilege('temp_file_limit', 'SET') AS limits_temp_files,
              current_setting('server_version_num')::integer AS version
         FROM pg_roles WHERE rolname = current_user`,
    );
    const rights = found as Rights;
    const group = coreReaders(rights.database);
    await this.#db.transaction(async (db) => {
      await takeTurn(db, turnOf(group));
      if (!(await exists(db, group))) await db.query(`CREATE ROLE ${quoted(group)} NOLOGIN`);
    });
    return rights;
  }

  /** Sessions hold locks that a DROP would wait for. */
  async #shutOut(roles: string[], rights: Rights): Promise<void> {
    await this.#db.transaction(async (db) => {
      for (const role of roles) {
        if (!(await exists(db, role))) continue;
        await adopt(db, role, rights);
        await db.query(`ALTER ROLE ${quoted(role)} NOLOGIN`);
      }
    });
    await this.#db.query('SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity WHERE usename = ANY ($1)', [
      roles,
      TERMINATION_DEADLINE_MS,
    ]);
  }

  async #known(db: EntityManager, tenant: string, pluginId: string): Promise<Row | undefined> {
    const [row] = await rows<Row>(db, 'SELECT * FROM plugin_databases WHERE tenant = $1 AND plugin_id = $2', [
      tenant,
      pluginId,
    ]);
    return row;
  }

  /** Undefined when the key that sealed the passwords is gone: nobody else knows them, so new ones do as well. */
  #opened(tenant: string, pluginId: string, row: Row): PluginRoles | undefined {
    const open = (field: string, sealed: string) => this.#secrets.open(sealed, { tenant, pluginId, field });
    try {
      return {
        schema: row.schema,
        writer: { name: row.writer_role, password: open(WRITER_FIELD, row.writer_password) },
        reader: { name: row.reader_role, password: open(READER_FIELD, row.reader_password) },
      };
    } catch (error) {
      if (error instanceof SecretUnreadableError) return undefined;
      throw error;
    }
  }

  async #makeRoles(db: EntityManager, { schema, writer, reader }: PluginRoles, rights: Rights): Promise<void> {
    for (const { name, password } of [writer, reader]) {
      const role = quoted(name);
      if (!(await exists(db, name))) await db.query(`CREATE ROLE ${role}`);
      const verifier = await scramVerifier(password);
      await adopt(db, name, rights);
      // A plugin may change its own role's settings and password; this undoes it.
      await db.query(`ALTER ROLE ${role} RESET ALL`);
      await db.query(`ALTER ROLE ${role} LOGIN CONNECTION LIMIT ${CONNECTION_LIMIT} PASSWORD '${verifier}'`);
      if (rights.limits_temp_files) await db.query(`ALTER ROLE ${role} SET temp_file_limit = '${TEMP_FILE_LIMIT}'`);
      const [may] = await rows<{ connect: boolean }>(
        db,
        `SELECT has_database_privilege($1, current_database(), 'CONNECT') AS connect`,
        [name],
      );
      if (may?.connect !== true) await db.query(`GRANT CONNECT ON DATABASE ${quoted(rights.database)} TO ${role}`);
    }
    await db.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
  }

  async #save(
    db: EntityManager,
    tenant: string,
    pluginId: string,
    { schema, writer, reader }: PluginRoles,
    { read, write }: DatabaseGrants,
  ): Promise<void> {
    const seal = (field: string, password: string) => this.#secrets.seal(password, { tenant, pluginId, field });
    await db.query(
      `INSERT INTO plugin_databases
              (tenant, plugin_id, schema, writer_role, reader_role, writer_password, reader_password, can_read, can_write)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (tenant, plugin_id) DO UPDATE
          SET can_read = excluded.can_read, can_write = excluded.can_write,
              writer_password = excluded.writer_password, reader_password = excluded.reader_password`,
      [
        ...[tenant, pluginId, schema, writer.name, reader.name],
        ...[seal(WRITER_FIELD, writer.password), seal(READER_FIELD, reader.password), read, write],
      ],
    );
  }
}

/** Where the passwords are sealed to. */
export const WRITER_FIELD = 'database:writer';
export const READER_FIELD = 'database:reader';

function newRole(name: string): PluginRole {
  return { name, password: randomBytes(32).toString('base64url') };
}

function turnOf(role: string): string {
  return `plugin-roles:${role}`;
}

async function exists(db: EntityManager, role: string): Promise<boolean> {
  return (await rows(db, 'SELECT 1 FROM pg_roles WHERE rolname = $1', [role])).length > 0;
}

/** Only who is a member of a role may give away what it will own, and drop it; a superuser is one already. */
async function adopt(db: EntityManager, role: string, { superuser, version }: Rights): Promise<void> {
  if (superuser) return;
  const options = version >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : '';
  await db.query(`GRANT ${quoted(role)} TO CURRENT_USER${options}`);
}

async function grant(
  db: EntityManager,
  roles: PluginRoles,
  { read, write }: DatabaseGrants,
  rights: Rights,
): Promise<void> {
  const schema = quoted(roles.schema);
  const [writer, reader] = [quoted(roles.writer.name), quoted(roles.reader.name)];
  await db.query(`GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${writer}`);
  await db.query(`GRANT USAGE ON SCHEMA ${schema} TO ${reader}`);
  const byDefault = `ALTER DEFAULT PRIVILEGES FOR ROLE ${writer}`;
  for (const kind of ['TABLES', 'SEQUENCES']) {
    await db.query(`${byDefault} IN SCHEMA ${schema} GRANT SELECT ON ${kind} TO ${reader}`);
  }
  // What a function does as its owner, it must not do for whoever may only read.
  await db.query(`${byDefault} REVOKE EXECUTE ON ROUTINES FROM PUBLIC`);
  if (!write) {
    for (const kind of ['TABLES', 'SEQUENCES', 'ROUTINES']) {
      await db.query(`REVOKE ALL ON ALL ${kind} IN SCHEMA ${schema} FROM PUBLIC, ${reader} CASCADE`);
    }
  }
  for (const kind of ['TABLES', 'SEQUENCES']) {
    await db.query(`GRANT SELECT ON ALL ${kind} IN SCHEMA ${schema} TO ${reader}`);
  }
  const member = `${writer}, ${reader}`;
  const options = rights.version >= 160_000 ? ' WITH INHERIT TRUE, SET FALSE' : '';
  const group = quoted(coreReaders(rights.database));
  await db.query(read ? `GRANT ${group} TO ${member}${options}` : `REVOKE ${group} FROM ${member}`);
}
