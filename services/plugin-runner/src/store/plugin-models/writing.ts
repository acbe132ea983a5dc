import { randomUUID } from 'node:crypto';
import type { QueryRunner } from 'typeorm';
import { isRecord } from '../../isolate/record.ts';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import { shown } from '../../isolate/models/names.ts';
import { quoted } from '../quoted.ts';
import { conditions } from './conditions.ts';
import { optionsOf } from './find-options.ts';
import { alive, all } from './includes.ts';
import type { Model } from './model.ts';
import { known, relation } from './model.ts';
import type { Row } from './reading.ts';
import { StatementValues } from './statement-values.ts';
import { fromDatabase, toDatabase } from './values.ts';

/** Below the rows one answer may have, and the values one statement may carry. */
const ROWS_PER_STATEMENT = 200;
/** More belong into several calls: this runner holds them all at once. */
const MOST_ROWS = 50_000;
const now = () => 'now()';

interface Change {
  model: Model;
  set: Row;
  /** Undefined is every row. */
  where: unknown;
  paranoid?: unknown;
}

/** The verbs that change rows of the plugin's own tables. */
export class Writing {
  readonly #runner: QueryRunner;

  constructor(runner: QueryRunner) {
    this.#runner = runner;
  }

  async create(model: Model, values: unknown): Promise<Row> {
    return (await this.#insert(model, [storedValues(model, values)], {}))[0] as Row;
  }

  /** In a transaction of the caller's: all or none. */
  async bulkCreate(model: Model, rows: unknown, said: unknown): Promise<Row[]> {
    // `returning` is what Sequelize needs for PostgreSQL; here rows are always answered.
    const { ignoreDuplicates = false } = optionsOf(model, 'bulkCreate', said, ['ignoreDuplicates', 'returning']);
    if (!Array.isArray(rows) || rows.length > MOST_ROWS) {
      throw new ModelInvalidError(`${model.name}.bulkCreate needs a list of at most ${MOST_ROWS} rows`);
    }
    const stored = rows.map((values) => storedValues(model, values));
    const created: Row[] = [];
    for (let from = 0; from < stored.length; from += ROWS_PER_STATEMENT) {
      const some = stored.slice(from, from + ROWS_PER_STATEMENT);
      created.push(...(await this.#insert(model, some, { ignoreDuplicates: ignoreDuplicates === true })));
    }
    return created;
  }

  /** The row, or null when one like it is there already. */
  async createIfMissing(model: Model, values: unknown): Promise<Row | null> {
    const [row] = await this.#insert(model, [storedValues(model, values)], { ignoreDuplicates: true });
    return row ?? null;
  }

  async upsert(model: Model, values: unknown): Promise<[Row, created: boolean]> {
    const stored = storedValues(model, values);
    const conflict = conflictTarget(model, stored);
    if (!conflict) return [(await this.#insert(model, [stored], {}))[0] as Row, true];
    const overwrite = Object.keys(stored).filter((name) => !conflict.includes(name) && name !== 'createdAt');
    if (model.timestamps && !overwrite.includes('updatedAt')) overwrite.push('updatedAt');
    const [row] = await this.#insert(model, [stored], {
      conflict,
      // Something must be written, or PostgreSQL would not answer the row that is there.
      overwrite: overwrite.length > 0 ? overwrite : conflict,
    });
    const { [CREATED]: created, ...rest } = row as Row;
    return [rest, created === true];
  }

  async update(model: Model, values: unknown, said: unknown): Promise<number> {
    const { where, paranoid } = optionsOf(model, 'update', said, ['where', 'paranoid']);
    const set = storedValues(model, values);
    needWhere(model, 'update', where);
    if (Object.keys(set).length === 0) return 0;
    return (await this.#change({ model, set, where, paranoid }, false)).affected;
  }

  async updateRow(model: Model, key: unknown, values: unknown): Promise<Row> {
    const change = { model, set: storedValues(model, values), where: key, paranoid: false };
    const [row] = (await this.#change(change, true)).rows;
    if (!row) throw new ModelInvalidError(`This row of ${model.name} is no longer there`);
    return row;
  }

  async increment(model: Model, steps: unknown, said: unknown): Promise<number> {
    const { where, paranoid } = optionsOf(model, 'increment', said, ['where', 'paranoid']);
    needWhere(model, 'increment', where);
    if (!isRecord(steps)) throw new ModelInvalidError(`${model.name}.increment needs attributes and by how much`);
    return (await this.#change({ model, set: {}, where, paranoid }, false, steps)).affected;
  }

  async destroy(model: Model, said: unknown): Promise<number> {
    const { where, truncate, force } = optionsOf(model, 'destroy', said, ['where', 'truncate', 'force']);
    if (truncate !== true) needWhere(model, 'destroy', where);
    const of = truncate === true ? undefined : where;
    if (model.paranoid && force !== true) {
      return (await this.#change({ model, set: { deletedAt: now }, where: of }, false)).affected;
    }
    const values = new StatementValues();
    const query = this.#builder().delete().from(model.entity);
    const found = conditions({ model, prefix: relation(model), values }, of);
    if (found !== undefined) query.where(found, values.all);
    return (await query.execute()).affected ?? 0;
  }

  async destroyRow(model: Model, key: unknown, options: unknown): Promise<null> {
    const { force } = optionsOf(model, 'destroy', options, ['force']);
    await this.destroy(model, { where: key, force });
    return null;
  }

  #builder() {
    return this.#runner.dataSource.createQueryBuilder(this.#runner);
  }

  async #insert(model: Model, rows: Row[], how: InsertOptions): Promise<Row[]> {
    if (rows.length === 0) return [];
    const given = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const insert = this.#builder()
      .insert()
      .into(model.entity, given.length > 0 ? given : Object.keys(model.attributes))
      .values(rows)
      .updateEntity(false)
      .callListeners(false);
    const { conflict, overwrite, ignoreDuplicates } = how;
    if (ignoreDuplicates) insert.orIgnore();
    if (conflict && overwrite) insert.orUpdate(overwrite, conflict);
    // A row that no transaction has ended before is new.
    insert.returning(conflict ? `*, (xmax = 0) AS ${quoted(CREATED)}` : '*');
    const answered = (await insert.execute()).raw as Row[];
    return answered.map((row) => readable(model, row));
  }

  async #change({ model, set, where, paranoid }: Change, answer: boolean, steps: Row = {}) {
    const values = new StatementValues();
    const changes: Row = { ...set };
    if (model.timestamps && changes.updatedAt === undefined) changes.updatedAt = now;
    for (const [name, by] of Object.entries(steps)) {
      const step = values.add(toDatabase(model.attributes[known(model, name)] ?? null, by, `${model.name}.${name}`));
      changes[name] = () => `${quoted(name)} + ${step}`;
    }
    const prefix = relation(model);
    const query = this.#builder().update(model.entity).set(changes).updateEntity(false).callListeners(false);
    query.where(all([conditions({ model, prefix, values }, where), alive(model, prefix, paranoid)]), values.all);
    if (answer) query.returning('*');
    const result = await query.execute();
    const rows = answer ? (result.raw as Row[]) : [];
    return { affected: result.affected ?? 0, rows: rows.map((row) => readable(model, row)) };
  }
}

interface InsertOptions {
  ignoreDuplicates?: boolean;
  conflict?: string[];
  overwrite?: string[];
}

/** Cannot be an attribute's name. */
const CREATED = `created ${randomUUID()}`;

function storedValues(model: Model, values: unknown): Row {
  if (!isRecord(values))
    throw new ModelInvalidError(`${model.name} is given ${shown(values)}; it takes the values of a row`);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      known(model, name),
      toDatabase(model.attributes[name] ?? null, value, `${model.name}.${name}`),
    ]),
  );
}

function readable(model: Model, row: Row): Row {
  const known = Object.entries(row).filter(([name]) => name === CREATED || Object.hasOwn(model.attributes, name));
  return Object.fromEntries(known.map(([name, value]) => [name, fromDatabase(model.attributes[name], value)]));
}

/** The unique attributes by which a row that is there already is known: the primary key, or the first other that is given. */
function conflictTarget(model: Model, values: Row): string[] | undefined {
  const { primaryKey, attributes, indexes } = model;
  const unique = [
    primaryKey,
    ...Object.keys(attributes).flatMap((name) => (attributes[name]?.unique ? [[name]] : [])),
    ...indexes.flatMap((index) => (index.unique ? [[...index.fields]] : [])),
  ];
  return unique.find((fields) => fields.every((field) => values[field] !== undefined && values[field] !== null));
}

function needWhere(model: Model, verb: string, where: unknown): void {
  if (isRecord(where)) return;
  const every = verb === 'destroy' ? ' or truncate: true' : '';
  throw new ModelInvalidError(`${model.name}.${verb} needs where; for every row say where: {}${every}`);
}
