import type pg from 'pg';

/** Other tests on this server make roles of plugins too; those of this database are the ones in its own table. */
const OURS = (role: string) => `(${role} !~ '^(p_|plugin_core_)' OR ${role} IN (
  SELECT writer_role FROM plugin_runner.plugin_databases UNION SELECT reader_role FROM plugin_runner.plugin_databases))`;
/** Catalogs whose rows say who may do what, and how; of each, what is not the attackers' own. */
const CATALOGS: Record<string, string> = {
  roles: `SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
                 CASE WHEN rolname = ANY ($1) THEN NULL ELSE rolpassword END AS password FROM pg_authid WHERE ${OURS('rolname::text')}`,
  members: `SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE ${OURS('member::regrole::text')}`,
  settings: `SELECT setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting WHERE setrole::regrole::text <> ALL ($1) AND ${OURS('setrole::regrole::text')}`,
  server: `SELECT name, setting FROM pg_settings WHERE name NOT IN ('transaction_read_only', 'application_name')`,
  databases: `SELECT datname, datdba::regrole, coalesce(datacl, acldefault('d', datdba)) AS datacl, datconnlimit FROM pg_database WHERE datname = current_database()`,
  schemas: `SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'`,
  relations: `SELECT n.nspname, relname, relkind, relowner::regrole, relacl, reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname <> ALL ($2) AND nspname !~ '^pg_(toast|temp|toast_temp)'`,
  routines: `SELECT n.nspname, proname, proowner::regrole, proacl, md5(prosrc) FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
              WHERE nspname <> ALL ($2) AND nspname !~ '^pg_temp'`,
  defaults: 'SELECT defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl FROM pg_default_acl',
  triggers: 'SELECT tgrelid, tgname, tgenabled FROM pg_trigger',
  rules: `SELECT schemaname, tablename, rulename FROM pg_rules WHERE schemaname <> ALL ($2)`,
  extensions: 'SELECT extname FROM pg_extension',
  languages: 'SELECT lanname FROM pg_language',
  events: 'SELECT evtname FROM pg_event_trigger',
  foreign: 'SELECT fdwname FROM pg_foreign_data_wrapper',
  publications: 'SELECT pubname FROM pg_publication',
  slots: 'SELECT slot_name FROM pg_replication_slots',
  prepared: 'SELECT gid FROM pg_prepared_xacts',
  objects: `SELECT oid, lomowner::regrole, lomacl FROM pg_largeobject_metadata WHERE lomowner::regrole::text <> ALL ($1)`,
};
/** Tables of the runner that live while it does. */
const MOVING = ['runners', 'partitions', 'plugin_logs', 'outbox', 'surfaces', 'finished_steps'];

/** All that must be the same after an attack: who may do what, every row that is not the attackers' own. */
export async function snapshot(
  client: pg.Client,
  own: { roles: string[]; schemas: string[] },
): Promise<Record<string, string[]>> {
  const taken: Record<string, string[]> = {};
  for (const [name, sql] of Object.entries(CATALOGS)) {
    // Each statement must use both parameters, or PostgreSQL cannot tell their types.
    const { rows } = await client.query<{ row: string }>(
      `SELECT all_of::text AS row FROM (${sql}) AS all_of WHERE $1::text[] IS NOT NULL AND $2::text[] IS NOT NULL ORDER BY 1`,
      [own.roles, own.schemas],
    );
    taken[name] = rows.map(({ row }) => row);
  }
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, relname) AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind = 'r' AND nspname <> ALL ($1) AND nspname NOT IN ('pg_catalog', 'information_schema')
        AND nspname !~ '^pg_' AND NOT (nspname = 'plugin_runner' AND relname = ANY ($2)) ORDER BY 1`,
    [own.schemas, MOVING],
  );
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t ORDER BY 1`);
    taken[name] = rows.map(({ row }) => row);
  }
  return taken;
}
