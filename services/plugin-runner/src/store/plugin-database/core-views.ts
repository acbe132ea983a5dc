import { createHash } from 'node:crypto';
import type { Logger } from '@verifywise/service-kit';
import type { DataSource, EntityManager } from 'typeorm';
import { quoted } from '../quoted.ts';
import { rows } from '../sql.ts';
import { takeTurn } from '../turns.ts';
import { coreReaders } from './plugin-names.ts';

/** The host may start after us, and make its views then. */
const RETRY_MS = 2_000;
/** The host may have dropped or changed what a view shows. */
const LOOK_AGAIN_MS = 60_000;
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** Which relation of the host shows a core model (S:22.6); it has a column `tenant`, and no column that plugins may not see. */
export type CoreRelations = Record<string, { relation: string; view?: string }>;

/** A core model as plugins find it: a view on their search path, this tenant's rows only. */
export interface CoreModelView {
  name: string;
  schema: string;
  view: string;
  columns: { name: string; type: string }[];
}

export interface CoreViewsOptions {
  db: DataSource;
  roles: { rights(): Promise<{ database: string }> };
  schema: string;
  relations: CoreRelations;
  log: Pick<Logger, 'warn' | 'debug'>;
}

/** The platform's own data as plugins may read it: one view a model for all tenants, which shows each login its tenant's rows. */
export class CoreViews {
  readonly #options: CoreViewsOptions;
  #made: CoreModelView[] = [];
  #timer: NodeJS.Timeout | undefined;
  #making: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: CoreViewsOptions) {
    if (!SCHEMA_NAME.test(options.schema)) throw new Error(`CORE_VIEWS_SCHEMA "${options.schema}" is no plain name`);
    this.#options = options;
  }

  /** Those that are there now. */
  models(): readonly CoreModelView[] {
    return this.#made;
  }

  /** Makes what can be made now, and keeps trying the rest. */
  async start(): Promise<void> {
    if (Object.keys(this.#options.relations).length === 0) return;
    await (this.#making = this.#makeAll());
    if (this.#closed) return;
    const complete = this.#made.length === Object.keys(this.#options.relations).length;
    this.#timer = setTimeout(() => void this.start(), complete ? LOOK_AGAIN_MS : RETRY_MS).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#making;
  }

  async #makeAll(): Promise<void> {
    const { roles, relations, log } = this.#options;
    let group: string;
    try {
      group = coreReaders((await roles.rights()).database);
    } catch (error) {
      log.warn({ err: error }, 'The views of core models could not be made; trying again');
      return;
    }
    const before = new Map(this.#made.map((model) => [model.name, model]));
    const made: CoreModelView[] = [];
    for (const name of Object.keys(relations)) {
      const model = await this.#make(name, group, before.get(name));
      if (model) made.push(model);
    }
    this.#made = made;
  }

  /** The model's view, or what was known of it before when the database cannot say now; undefined when the host has no such relation. */
  async #make(model: string, group: string, before: CoreModelView | undefined): Promise<CoreModelView | undefined> {
    const { db, schema, relations, log } = this.#options;
    const { relation = '', view = relation.slice(relation.indexOf('.') + 1) } = relations[model] ?? {};
    try {
      const columns = await db.transaction((manager) => makeView(manager, { schema, view, relation, group }));
      if (columns) return { name: model, schema, view, columns };
      log.debug({ model, relation }, 'The host has no such relation yet');
    } catch (error) {
      // One that cannot be made, for example because we may not read the relation, hides no other.
      log.warn({ err: error, model, relation }, `The view of the core model ${model} could not be made; trying again`);
      return before;
    }
    return undefined;
  }
}

interface View {
  schema: string;
  view: string;
  relation: string;
  group: string;
}

/** The columns of the view, once it shows what the host's relation has; undefined when there is no such relation with a tenant. */
async function makeView(db: EntityManager, { schema, view, relation, group }: View) {
  const columns = await columnsOf(db, relation);
  const tenant = columns.find(({ name }) => name === 'tenant');
  if (!tenant) return undefined;
  const name = `${quoted(schema)}.${quoted(view)}`;
  const source = relation.split('.').map(quoted).join('.');
  const select = `
    SELECT ${columns.map((column) => `shown.${quoted(column.name)}`).join(', ')} FROM ${source} AS shown
     WHERE shown.tenant = (
       SELECT login.tenant::${tenant.type} FROM plugin_databases AS login
        WHERE (login.writer_role = session_user OR login.reader_role = session_user) AND login.can_read)`;
  const sign = createHash('sha256')
    .update(JSON.stringify([select, columns]))
    .digest('hex');
  // Replacing a view waits for everybody who reads it, so one that is right stays.
  if (await isMade(db, name, sign)) return columns;

  await takeTurn(db, `core-views:${schema}`);
  if (await isMade(db, name, sign)) return columns;
  await db.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
  await db.query(`GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${quoted(group)}`);
  // Columns that went or changed cannot be replaced; a plugin's own view of them goes with them.
  await db.query(`DROP VIEW IF EXISTS ${name} CASCADE`);
  await db.query(`CREATE VIEW ${name} WITH (security_barrier) AS ${select}`);
  await db.query(`COMMENT ON VIEW ${name} IS '${sign}'`);
  await db.query(`GRANT SELECT ON ${name} TO ${quoted(group)}`);
  return columns;
}

async function isMade(db: EntityManager, name: string, sign: string): Promise<boolean> {
  const [found] = await rows<{ sign: string | null }>(
    db,
    `SELECT obj_description(to_regclass($1), 'pg_class') AS sign`,
    [name],
  );
  return found?.sign === sign;
}

function columnsOf(db: EntityManager, relation: string): Promise<{ name: string; type: string }[]> {
  return rows(
    db,
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [relation],
  );
}
