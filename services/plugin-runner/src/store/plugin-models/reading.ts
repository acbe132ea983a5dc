import type { QueryRunner, SelectQueryBuilder } from 'typeorm';
import { isRecord } from '../../isolate/record.ts';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import { quoted } from '../quoted.ts';
import { conditions } from './conditions.ts';
import { amount, attributeAs, groupNames, groups, optionsOf, orders, selection } from './find-options.ts';
import type { Selected } from './find-options.ts';
import type { Include } from './includes.ts';
import { alive, all, existence, includesOf, onlyKey } from './includes.ts';
import type { Model, ModelSet } from './model.ts';
import { column, known } from './model.ts';
import { StatementValues } from './statement-values.ts';
import { fromDatabase, toDatabase } from './values.ts';

export type Row = Record<string, unknown>;

const TABLE = 't';
const PREFIX = quoted(TABLE);
const FIND = ['where', 'order', 'limit', 'offset', 'attributes', 'group', 'include', 'paranoid', 'raw'];
const COUNT = ['where', 'include', 'paranoid', 'group'];
const AGGREGATE = ['where', 'include', 'paranoid'];

/** The verbs that only read. */
export class Reading {
  readonly #set: ModelSet;
  readonly #runner: QueryRunner;

  constructor(set: ModelSet, runner: QueryRunner) {
    this.#set = set;
    this.#runner = runner;
  }

  async findAll(model: Model, said: unknown): Promise<Row[]> {
    const options = optionsOf(model, 'findAll', said, FIND);
    const includes = includesOf(this.#set, model, options.include);
    return this.#select(model, options, includes, []);
  }

  async findOne(model: Model, said: unknown): Promise<Row | null> {
    const options = optionsOf(model, 'findOne', said, FIND);
    return (await this.findAll(model, { ...options, limit: 1 }))[0] ?? null;
  }

  async findByPk(model: Model, key: unknown, said: unknown): Promise<Row | null> {
    const options = optionsOf(model, 'findByPk', said, ['attributes', 'include', 'paranoid', 'raw']);
    return this.findOne(model, { ...options, where: this.keyOf(model, key) });
  }

  async findAndCountAll(model: Model, said: unknown): Promise<{ rows: Row[]; count: number }> {
    const options = optionsOf(model, 'findAndCountAll', said, FIND);
    if (options.group !== undefined)
      throw new ModelInvalidError('findAndCountAll counts rows, not groups; leave out group');
    const { where, include, paranoid } = options;
    const count = await this.count(model, { where, include, paranoid });
    return { rows: count === 0 ? [] : await this.findAll(model, options), count: count as number };
  }

  /** How many rows; with `group`, how many of each: `[{ severity: 1, count: 3 }]`. */
  async count(model: Model, said: unknown): Promise<number | Row[]> {
    const { group, ...options } = optionsOf(model, 'count', said, COUNT);
    const includes = includesOf(this.#set, model, options.include);
    if (group === undefined) {
      const [row] = await this.#select(model, { ...options, attributes: [['count', 'count']] }, includes, []);
      return row?.count as number;
    }
    const attributes = [...groupNames(model, group), ['count', 'count']];
    return this.#select(model, { ...options, group, attributes }, includes, []);
  }

  /** `max`, `min` and `sum` of an attribute; null, and 0 for the sum, where there are no rows. */
  async aggregate(model: Model, fn: 'max' | 'min' | 'sum', attribute: unknown, said: unknown): Promise<unknown> {
    const options = optionsOf(model, fn, said, AGGREGATE);
    const includes = includesOf(this.#set, model, options.include);
    const [row] = await this.#select(model, { ...options, attributes: [[fn, attribute, 'value']] }, includes, []);
    return fn === 'sum' ? (row?.value ?? 0) : (row?.value ?? null);
  }

  /** The primary key as `where`; one of several attributes is given as an object. */
  keyOf(model: Model, key: unknown): Row {
    if (!isRecord(key) || key instanceof Date) return { [onlyKey(model)]: key };
    const { primaryKey } = model;
    const given = Object.keys(key);
    if (given.length === primaryKey.length && primaryKey.every((attribute) => given.includes(attribute))) return key;
    throw new ModelInvalidError(
      `The primary key of ${model.name} is ${primaryKey.join(', ')}; give each of them a value`,
    );
  }

  async #select(model: Model, options: Row, includes: Include[], also: string[], within?: Within): Promise<Row[]> {
    const values = new StatementValues();
    const wanted = selection(model, PREFIX, options.attributes);
    const grouped = options.group !== undefined || wanted.some(({ aggregate }) => aggregate);
    const needed = [...also, ...(grouped ? [] : includes.map(({ sourceKey }) => sourceKey))];
    const hidden = [...new Set(needed)]
      .filter((name) => !wanted.some(({ as }) => as === name))
      .map((name) => attributeAs(model, PREFIX, name, name));
    const query = this.#runner.dataSource.createQueryBuilder(this.#runner).select([]).from(model.entity, TABLE);
    for (const { sql, as } of [...wanted, ...hidden]) query.addSelect(sql, as);
    query.where(
      all([
        within && membership(model, within, values),
        conditions({ model, prefix: PREFIX, values }, options.where),
        alive(model, PREFIX, options.paranoid),
        ...includes.filter(({ required }) => required).map((include) => existence(include, PREFIX, values)),
      ]),
      values.all,
    );
    for (const sql of groups(model, PREFIX, options.group)) query.addGroupBy(sql);
    // What belongs to a row has an order, too.
    arrange(query, model, wanted, within ? { order: model.primaryKey, ...options } : options);
    const found = await query.getRawMany<Row>();
    const rows = found.map((row) => readable(model, [...wanted, ...hidden], row));
    if (grouped) return rows;
    for (const include of includes) await this.#attach(rows, include);
    for (const row of rows) for (const { as } of hidden) if (!also.includes(as)) Reflect.deleteProperty(row, as);
    return rows;
  }

  /** Gives each row what belongs to it: one statement, however many rows. */
  async #attach(rows: Row[], include: Include): Promise<void> {
    const { as, single, sourceKey, foundBy, target, through } = include;
    const keys = distinct(rows.map((row) => row[sourceKey]));
    const links = through && keys.length > 0 ? await this.#links(include, keys) : undefined;
    const targetKey = links ? onlyKey(target) : foundBy;
    const targetKeys = links ? distinct(links.map(({ other }) => other)) : keys;
    const found =
      targetKeys.length === 0
        ? []
        : await this.#select(target, defined(include.options), include.include, [targetKey], {
            attribute: targetKey,
            keys: targetKeys,
          });
    const asked = include.options.attributes;
    const keep = asked === undefined || (Array.isArray(asked) && asked.includes(targetKey));
    const byKey = Map.groupBy(found, (row) => String(row[targetKey]));
    const places = new Map(found.map((row, at) => [String(row[targetKey]), at]));
    const linked = links && Map.groupBy(links, ({ source }) => String(source));
    if (!keep) for (const row of found) Reflect.deleteProperty(row, targetKey);
    const place = ({ other }: Link) => places.get(String(other)) ?? 0;
    for (const row of rows) {
      const key = String(row[sourceKey]);
      const own = linked
        ? (linked.get(key) ?? [])
            .toSorted((one, other) => place(one) - place(other))
            .flatMap(({ other }) => byKey.get(String(other)) ?? [])
        : (byKey.get(key) ?? []);
      row[as] = single ? (own[0] ?? null) : own;
    }
  }

  /** The rows in between of belongsToMany. */
  async #links({ through, foundBy, association }: Include, keys: unknown[]) {
    const model = through as Model;
    const other = association.options.otherKey as string;
    const rows = await this.#select(model, { attributes: [foundBy, other] }, [], [], { attribute: foundBy, keys });
    return rows.map((row) => ({ source: row[foundBy], other: row[other] }));
  }
}

/** A row of the model in between. */
interface Link {
  source: unknown;
  other: unknown;
}

interface Within {
  attribute: string;
  keys: unknown[];
}

function membership(model: Model, { attribute, keys }: Within, values: StatementValues): string {
  const definition = model.attributes[attribute] ?? null;
  const list = keys.map((key) => toDatabase(definition, key, `${model.name}.${attribute}`));
  return `${column(model, attribute, PREFIX)} = ANY(${values.add(list)})`;
}

function arrange(query: SelectQueryBuilder<Row>, model: Model, wanted: Selected[], options: Row): void {
  for (const { sql, direction, nulls } of orders(model, PREFIX, wanted, options.order)) {
    query.addOrderBy(sql, direction, nulls);
  }
  const limit = amount(model, 'limit', options.limit);
  const offset = amount(model, 'offset', options.offset);
  if (limit !== undefined) query.limit(limit);
  if (offset !== undefined) query.offset(offset);
}

function readable(model: Model, selected: Selected[], row: Row): Row {
  return Object.fromEntries(
    selected.map(({ as, attribute, number }) => {
      const value = row[as];
      if (number) return [as, value === null ? null : Number(value)];
      return [as, attribute === undefined ? value : fromDatabase(model.attributes[known(model, attribute)], value)];
    }),
  );
}

function defined(options: object): Row {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function distinct(keys: unknown[]): unknown[] {
  return [...new Set(keys.filter((key) => key !== null && key !== undefined))];
}
