import { createHash } from 'node:crypto';
import type { ModelAttribute } from '@verifywise/plugin-types';
import type { QueryRunner } from 'typeorm';
import { Table, TableCheck, TableColumn, TableForeignKey, TableIndex } from 'typeorm';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import { tablePrefix } from '../../isolate/models/table-name.ts';
import { quoted } from '../quoted.ts';
import type { Model } from './model.ts';
import { known } from './model.ts';
import { COLUMN_TYPES, defaultSql, literal } from './values.ts';

/** PostgreSQL cuts longer names. */
const LONGEST_NAME = 63;

/** A model whose table is to be there, with what is missing of it. */
interface Missing {
  model: Model;
  table: Table;
  /** Attributes without a column; all of a new table. */
  attributes: string[];
}

/** The tables of a plugin's models: made, completed, dropped. Each in a transaction of the caller's, so that it happens whole or not. */
export class SchemaChanges {
  readonly #pluginId: string;
  readonly #models: readonly Model[];
  readonly #runner: QueryRunner;

  constructor(pluginId: string, models: readonly Model[], runner: QueryRunner) {
    this.#pluginId = pluginId;
    this.#models = models;
    this.#runner = runner;
  }

  /** Creates the tables that are not there; `alter` adds missing columns and indexes, too, `force` drops all tables before. */
  async sync({ force, alter }: { force?: boolean; alter?: boolean }): Promise<void> {
    for (const model of this.#models) this.#references(model);
    if (force) await this.drop();
    const there = await this.#columns();
    const missing: Missing[] = [];
    for (const model of this.#models) {
      const columns = there.get(model.table);
      if (!columns) missing.push(await this.#create(model));
      else if (alter) missing.push(await this.#complete(model, columns));
    }
    // Last, when every table is there: models may refer to each other in a circle.
    for (const one of missing) await this.#addForeignKeys(one);
  }

  async drop(): Promise<void> {
    const tables = this.#models.map(({ table }) => quoted(table));
    if (tables.length > 0) await this.#runner.query(`DROP TABLE IF EXISTS ${tables.join(', ')} CASCADE`);
  }

  async #columns(): Promise<Map<string, string[]>> {
    const found = (await this.#runner.query(
      `SELECT c.relname AS table, a.attname AS column
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(pg_catalog.current_schema()))
          AND c.relname = ANY ($1)`,
      [this.#models.map(({ table }) => table)],
    )) as { table: string; column: string }[];
    const tables = Map.groupBy(found, ({ table }) => table);
    return new Map([...tables].map(([table, columns]) => [table, columns.map(({ column }) => column)]));
  }

  async #create(model: Model): Promise<Missing> {
    const attributes = Object.keys(model.attributes);
    const table = new Table({
      name: model.table,
      columns: attributes.map((name) => columnOf(model, name)),
      checks: attributes.flatMap((name) => checkOf(model, name) ?? []),
      indices: indexesOf(model),
    });
    await this.#runner.createTable(table, false, false, true);
    return { model, table, attributes };
  }

  async #complete(model: Model, columns: string[]): Promise<Missing> {
    const table = new Table({ name: model.table });
    const attributes = Object.keys(model.attributes).filter((name) => !columns.includes(name));
    for (const name of attributes) {
      if (model.primaryKey.includes(name)) {
        throw new ModelInvalidError(
          `${model.name}.${name} is part of the primary key, which alter cannot change; use force`,
        );
      }
      await this.#runner.addColumn(table, new TableColumn(columnOf(model, name)));
    }
    for (const name of Object.keys(model.attributes)) await this.#widen(model, name);
    const there = await this.#indexes(model);
    for (const index of indexesOf(model)) {
      if (!there.has(index.name)) await this.#runner.createIndex(table, new TableIndex(index));
    }
    return { model, table, attributes };
  }

  /** The values of an ENUM may have changed; rows that are there keep what they have. */
  async #widen(model: Model, name: string): Promise<void> {
    const check = checkOf(model, name);
    if (!check) return;
    const table = quoted(model.table);
    const constraint = quoted(check.name as string);
    await this.#runner.query(`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${constraint}`);
    await this.#runner.query(`ALTER TABLE ${table} ADD CONSTRAINT ${constraint} CHECK (${check.expression}) NOT VALID`);
  }

  async #indexes({ table }: Model): Promise<Set<string>> {
    const found = (await this.#runner.query(
      'SELECT indexname FROM pg_catalog.pg_indexes WHERE schemaname = pg_catalog.current_schema() AND tablename = $1',
      [table],
    )) as { indexname: string }[];
    return new Set(found.map(({ indexname }) => indexname));
  }

  async #addForeignKeys({ model, table, attributes }: Missing): Promise<void> {
    const keys = this.#references(model).filter(({ columnNames }) => attributes.includes(columnNames[0] as string));
    for (const key of keys) await this.#runner.createForeignKey(table, key);
  }

  /** References to the plugin's own tables; those to the platform's cannot be kept by PostgreSQL and are columns with an index. */
  #references(model: Model): TableForeignKey[] {
    return Object.entries(model.attributes).flatMap(([name, attribute]) => {
      const { references, onDelete, onUpdate } = attribute as ModelAttribute;
      if (!references) return [];
      const target = this.#models.find((other) => other.name === references.model || other.table === references.model);
      if (target) known(target, references.key);
      else if (references.model.startsWith('plugin_') && !references.model.startsWith(tablePrefix(this.#pluginId))) {
        throw new ModelInvalidError(`${model.name}.${name} references ${references.model}, a table of another plugin`);
      } else if (!references.model.startsWith('plugin_')) return [];
      return new TableForeignKey({
        name: nameOf(model.table, [name], 'fkey'),
        columnNames: [name],
        referencedTableName: target?.table ?? references.model,
        referencedColumnNames: [references.key],
        ...(onDelete === undefined ? {} : { onDelete }),
        ...(onUpdate === undefined ? {} : { onUpdate }),
      });
    });
  }
}

function columnOf(model: Model, name: string) {
  const attribute = model.attributes[name] as ModelAttribute;
  const type = COLUMN_TYPES[attribute.type as keyof typeof COLUMN_TYPES];
  const value = defaultSql(attribute);
  return {
    name,
    ...type,
    isNullable: attribute.allowNull !== false,
    ...(value === undefined ? {} : { default: value }),
    ...(attribute.primaryKey ? { isPrimary: true, primaryKeyConstraintName: nameOf(model.table, [], 'pkey') } : {}),
    ...(attribute.autoIncrement
      ? { isGenerated: true, generationStrategy: 'identity' as const, generatedIdentity: 'BY DEFAULT' as const }
      : {}),
  };
}

function checkOf(model: Model, name: string): TableCheck | undefined {
  const { values } = model.attributes[name] as ModelAttribute;
  if (!values) return undefined;
  return new TableCheck({
    name: nameOf(model.table, [name], 'check'),
    expression: `${quoted(name)} IN (${values.map(literal).join(', ')})`,
  });
}

/** Those asked for, one for each unique attribute, and one for each that refers to another table and has none yet. */
function indexesOf(model: Model) {
  const asked = model.indexes.map(({ fields, unique = false, name }) => ({
    name: name ?? nameOf(model.table, fields, unique ? 'key' : 'idx'),
    columnNames: [...fields],
    isUnique: unique,
  }));
  const attributes = Object.entries(model.attributes);
  const unique = attributes.flatMap(([name, attribute]) =>
    attribute?.unique ? [{ name: nameOf(model.table, [name], 'key'), columnNames: [name], isUnique: true }] : [],
  );
  const first = new Set([...asked, ...unique].map(({ columnNames }) => columnNames[0]).concat(model.primaryKey[0]));
  const referring = attributes.flatMap(([name, attribute]) =>
    attribute?.references && !first.has(name)
      ? [{ name: nameOf(model.table, [name], 'idx'), columnNames: [name], isUnique: false }]
      : [],
  );
  const all = [...asked, ...unique, ...referring];
  return all.filter(({ name }, at) => all.findIndex((other) => other.name === name) === at);
}

/** The same for the same table and attributes, and no longer than PostgreSQL lets it be. */
function nameOf(table: string, attributes: readonly string[], kind: string): string {
  const name = [table, ...attributes, kind].join('_');
  if (name.length <= LONGEST_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${name.slice(0, LONGEST_NAME - hash.length - kind.length - 2)}_${hash}_${kind}`;
}
