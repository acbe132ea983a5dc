import { refuseUnknown } from '../../isolate/models/definition.ts';
import { isRecord } from '../../isolate/record.ts';
import { ModelInvalidError, listed } from '../../isolate/models/invalid.ts';
import { checkAttributeName, shown } from '../../isolate/models/names.ts';
import type { Model } from './model.ts';
import { column, known } from './model.ts';

const FUNCTIONS = ['count', 'max', 'min', 'sum', 'avg'];
/** More columns no model has. */
const MOST_COLUMNS = 500;
/** PostgreSQL's own largest is greater, but nobody counts as far. */
const MOST = 2 ** 31 - 1;
const DIRECTION = /^(ASC|DESC)( NULLS (FIRST|LAST))?$/;

/** The options of one verb, with nothing unknown among them. */
export function optionsOf(
  model: Model,
  verb: string,
  options: unknown,
  allowed: readonly string[],
): Record<string, unknown> {
  if (options === undefined || options === null) return {};
  if (!isRecord(options)) throw new ModelInvalidError(`The options of ${model.name}.${verb} are no object`);
  refuseUnknown(options, allowed, `${model.name}.${verb}`);
  return options;
}

/** One column of an answer. */
export interface Selected {
  sql: string;
  as: string;
  /** The attribute whose values it has, where they are of the attribute's type. */
  attribute: string | undefined;
  /** A count: PostgreSQL answers it as text. */
  number: boolean;
  /** Of many rows, not of each. */
  aggregate: boolean;
}

/**
 * `['title', ['title', 'name'], ['count', 'n'], ['max', 'severity', 'worst']]`: attributes, attributes by another name,
 * the number of rows, functions over an attribute.
 */
export function selection(model: Model, prefix: string, attributes: unknown): Selected[] {
  const wanted = listOf(model, 'attributes', attributes === undefined ? Object.keys(model.attributes) : attributes);
  if (wanted.length === 0)
    throw new ModelInvalidError(`attributes of ${model.name} are an empty list; name at least one`);
  return wanted.map((one: unknown) => {
    if (!Array.isArray(one)) return attributeAs(model, prefix, one, one);
    const [first, second, third] = one as unknown[];
    if (one.length === 3) return functionOf(model, prefix, first, second, third);
    if (first === 'count' && !Object.hasOwn(model.attributes, 'count')) return rowCount(second);
    return attributeAs(model, prefix, first, second);
  });
}

export function attributeAs(model: Model, prefix: string, attribute: unknown, as: unknown): Selected {
  const sql = column(model, attribute, prefix);
  if (as !== attribute) checkAttributeName(as, 'A column of an answer');
  return { sql, as: as as string, attribute: attribute as string, number: false, aggregate: false };
}

function rowCount(as: unknown): Selected {
  checkAttributeName(as, 'A column of an answer');
  return { sql: 'count(*)', as, attribute: undefined, number: true, aggregate: true };
}

function functionOf(model: Model, prefix: string, fn: unknown, attribute: unknown, as: unknown): Selected {
  const name = typeof fn === 'string' ? fn.toLowerCase() : '';
  if (!FUNCTIONS.includes(name)) {
    throw new ModelInvalidError(`${model.name} is asked for the function ${shown(fn)}; there are ${listed(FUNCTIONS)}`);
  }
  checkAttributeName(as, 'A column of an answer');
  const kept = name === 'max' || name === 'min';
  return {
    sql: `${name}(${column(model, attribute, prefix)})`,
    as,
    attribute: kept ? (attribute as string) : undefined,
    number: !kept,
    aggregate: true,
  };
}

export interface Order {
  sql: string;
  direction: 'ASC' | 'DESC';
  nulls: 'NULLS FIRST' | 'NULLS LAST' | undefined;
}

/** By attributes of the model, or by what `attributes` gave a name. */
export function orders(model: Model, prefix: string, selected: readonly Selected[], order: unknown): Order[] {
  if (order === undefined) return [];
  return listOf(model, 'order', order).map((one: unknown) => {
    const [name, said = 'ASC', ...more] = (Array.isArray(one) ? one : [one]) as unknown[];
    const direction = DIRECTION.exec(typeof said === 'string' ? said.toUpperCase() : '');
    if (!direction || more.length > 0) {
      throw new ModelInvalidError(
        `${model.name} is to be ordered ${shown(said)}; it can be ASC or DESC, of one attribute each`,
      );
    }
    const named = selected.find(({ as, attribute }) => as === name && attribute !== name);
    const [, way, , nulls] = direction;
    return {
      sql: named ? named.sql : column(model, name, prefix),
      direction: way as 'ASC' | 'DESC',
      nulls: nulls === undefined ? undefined : (`NULLS ${nulls}` as Order['nulls']),
    };
  });
}

export function groups(model: Model, prefix: string, group: unknown): string[] {
  if (group === undefined) return [];
  return listOf(model, 'group', group).map((name) => column(model, name, prefix));
}

export function groupNames(model: Model, group: unknown): string[] {
  return listOf(model, 'group', group).map((name) => known(model, name));
}

function listOf(model: Model, name: string, list: unknown): unknown[] {
  if (Array.isArray(list) && list.length <= MOST_COLUMNS) return list;
  const example = name === 'order' ? "[['createdAt', 'DESC']]" : "['title']";
  const said = Array.isArray(list) ? `a list of ${list.length}` : shown(list);
  throw new ModelInvalidError(
    `${name} of ${model.name} is ${said}; it is a list, of at most ${MOST_COLUMNS}: ${example}`,
  );
}

/** `limit` and `offset`. */
export function amount(model: Model, name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST) return value;
  throw new ModelInvalidError(`${name} of ${model.name} is ${shown(value)}; it is a whole number from 0`);
}
