import { ModelInvalidError, listed } from '../../isolate/models/invalid.ts';
import { shown } from '../../isolate/models/names.ts';
import { isRecord } from '../../isolate/record.ts';
import type { Model } from './model.ts';
import { column } from './model.ts';
import type { StatementValues } from './statement-values.ts';
import { isJson, toDatabase } from './values.ts';

const OPERATORS = [
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'notIn',
  'like',
  'iLike',
  'between',
  'and',
  'or',
  'is',
  'not',
];
const COMPARISONS: Record<string, string> = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };
const PATTERNS: Record<string, string> = { like: 'LIKE', iLike: 'ILIKE' };
const NOTHING = { and: 'TRUE', or: 'FALSE' };

interface Place {
  model: Model;
  /** How the statement calls the table. */
  prefix: string;
  values: StatementValues;
}

/** `where` as SQL; nothing asked for is nothing said. */
export function conditions(place: Place, where: unknown): string | undefined {
  if (where === undefined) return undefined;
  if (!isRecord(where) && !Array.isArray(where)) {
    throw new ModelInvalidError(`where of ${place.model.name} is ${shown(where)}; it is an object: { status: 'open' }`);
  }
  const text = together(place, where, 'and');
  return text === NOTHING.and ? undefined : text;
}

/** Several conditions, as an object by attribute or as a list of such objects. */
function together(place: Place, where: unknown, word: 'and' | 'or'): string {
  const parts = Array.isArray(where)
    ? where.map((part) => together(place, part, 'and'))
    : isRecord(where)
      ? Object.entries(where).map(([key, value]) => condition(place, key, value))
      : refuse(place, word, where);
  return joined(parts, word);
}

function condition(place: Place, key: string, value: unknown): string {
  if (key === 'and' || key === 'or') return together(place, value, key);
  if (key === 'not') return `NOT ${together(place, value, 'and')}`;
  return ofAttribute(place, key, value);
}

function ofAttribute(place: Place, attribute: string, value: unknown): string {
  const sql = column(place.model, attribute, place.prefix);
  const definition = place.model.attributes[attribute] ?? null;
  if (Array.isArray(value)) return operation(place, attribute, sql, 'in', value);
  if (!isRecord(value) || value instanceof Date) return operation(place, attribute, sql, 'eq', value);
  const entries = Object.entries(value);
  const isOperation = entries.length > 0 && entries.every(([name]) => OPERATORS.includes(name));
  if (!isOperation && isJson(definition)) return operation(place, attribute, sql, 'eq', value);
  if (entries.length === 0) throw new ModelInvalidError(`${place.model.name}.${attribute} is asked for nothing: {}`);
  return joined(
    entries.map(([name, operand]) => operation(place, attribute, sql, name, operand)),
    'and',
  );
}

function operation(place: Place, attribute: string, sql: string, name: string, operand: unknown): string {
  place.values.comparison();
  const definition = place.model.attributes[attribute] ?? null;
  const json = isJson(definition);
  // `json` itself has no equality; `jsonb` has.
  const left = json ? `CAST(${sql} AS jsonb)` : sql;
  const where = `${place.model.name}.${attribute}`;
  const parameter = (value: unknown) => {
    const text = place.values.add(toDatabase(definition, value, where));
    return json ? `CAST(${text} AS jsonb)` : text;
  };
  const listParameter = (list: unknown) => {
    if (!Array.isArray(list)) throw new ModelInvalidError(`${name} of ${where} is ${shown(list)}; it is a list`);
    const text = place.values.add(list.map((value) => toDatabase(definition, value, where)));
    return json ? `CAST(${text} AS jsonb[])` : text;
  };
  if (Object.hasOwn(COMPARISONS, name)) {
    if (operand === null && name === 'eq') return `${sql} IS NULL`;
    if (operand === null && name === 'ne') return `${sql} IS NOT NULL`;
    return `${left} ${COMPARISONS[name]} ${parameter(operand)}`;
  }
  if (Object.hasOwn(PATTERNS, name)) {
    if (typeof operand !== 'string')
      throw new ModelInvalidError(`${name} of ${where} is ${shown(operand)}; it is text`);
    return `${sql} ${PATTERNS[name]} ${place.values.add(operand)}`;
  }
  switch (name) {
    case 'in':
      return `${left} = ANY(${listParameter(operand)})`;
    case 'notIn':
      return `${left} <> ALL(${listParameter(operand)})`;
    case 'between': {
      if (!Array.isArray(operand) || operand.length !== 2) {
        throw new ModelInvalidError(`between of ${where} is ${shown(operand)}; it is a list of two`);
      }
      return `${left} BETWEEN ${parameter(operand[0])} AND ${parameter(operand[1])}`;
    }
    case 'is':
      return `${sql} IS ${truth(where, operand)}`;
    case 'not':
      return negation(place, attribute, sql, operand);
    case 'and':
    case 'or':
      return joined(alternatives(place, attribute, operand), name);
    default:
      throw new ModelInvalidError(
        `${where} is asked for ${shown(name)}, which is no operator; there are ${listed(OPERATORS)}`,
      );
  }
}

/** `{ severity: { or: [{ lt: 2 }, { gt: 8 }] } }` and `{ severity: { or: { lt: 2, gt: 8 } } }`. */
function alternatives(place: Place, attribute: string, operand: unknown): string[] {
  if (Array.isArray(operand)) return operand.map((value) => ofAttribute(place, attribute, value));
  if (isRecord(operand)) {
    return Object.entries(operand).map(([name, value]) => ofAttribute(place, attribute, { [name]: value }));
  }
  return refuse(place, attribute, operand);
}

function negation(place: Place, attribute: string, sql: string, operand: unknown): string {
  if (operand === null || typeof operand === 'boolean') return `${sql} IS NOT ${truth(attribute, operand)}`;
  if (Array.isArray(operand)) return operation(place, attribute, sql, 'notIn', operand);
  if (isRecord(operand)) return `NOT ${ofAttribute(place, attribute, operand)}`;
  return operation(place, attribute, sql, 'ne', operand);
}

function truth(where: string, operand: unknown): string {
  if (operand === null) return 'NULL';
  if (typeof operand === 'boolean') return operand ? 'TRUE' : 'FALSE';
  throw new ModelInvalidError(`is of ${where} is ${shown(operand)}; it is null, true or false`);
}

function joined(parts: string[], word: 'and' | 'or'): string {
  if (parts.length === 0) return NOTHING[word];
  return parts.length === 1 ? `(${parts[0]})` : `(${parts.join(word === 'and' ? ' AND ' : ' OR ')})`;
}

function refuse(place: Place, word: string, value: unknown): never {
  throw new ModelInvalidError(`${word} of ${place.model.name} is ${shown(value)}; it takes conditions`);
}
