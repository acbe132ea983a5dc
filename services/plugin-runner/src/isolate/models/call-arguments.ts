import { isRecord } from '../record.ts';
import { refuseUnknown } from './definition.ts';
import { ModelInvalidError } from './invalid.ts';

/** Deeper than this nobody asks; what refers to itself would never end. */
const DEEPEST = 24;

/**
 * The arguments of a verb as they may cross to the runner: operators by their name, as Sequelize's symbols are described by it;
 * models by theirs. A value that is `undefined` is a mistake that would otherwise mean "any": it is refused.
 */
export function sendable(value: unknown, path: string, depth = 0): unknown {
  if (value === undefined) throw new ModelInvalidError(`${path} is undefined; give a value, or null, or leave it out`);
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new ModelInvalidError(`${path} is a ${typeof value}, which a model cannot be asked for`);
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= DEEPEST) throw new ModelInvalidError(`${path} is nested more than ${DEEPEST} deep`);
  if (Array.isArray(value)) return value.map((item, index) => sendable(item, `${path}[${index}]`, depth + 1));
  if (isModel(value)) return value.name;
  const named: Record<string, unknown> = {};
  for (const key of Reflect.ownKeys(value)) {
    const name = typeof key === 'symbol' ? (key.description ?? '') : key;
    const inner = sendable((value as Record<PropertyKey, unknown>)[key], `${path}.${name}`, depth + 1);
    // Assigned like this, __proto__ is a name like any other, and is refused as one.
    Object.defineProperty(named, name, { value: inner, enumerable: true, configurable: true, writable: true });
  }
  return named;
}

/** The options of a verb; those left undefined were not given, but inside of `where` that would be a mistake. */
export function sendableOptions(options: unknown, path: string): Record<string, unknown> {
  if (options === undefined || options === null) return {};
  if (!isRecord(options)) throw new ModelInvalidError(`The options of ${path} are no object`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  if (Object.hasOwn(given, 'transaction')) {
    // Left out silently, what is believed to be undone with the transaction would stay.
    throw new ModelInvalidError(`${path} cannot take part in a transaction; use SQL in context.db.transaction`);
  }
  return sendable(given, path) as Record<string, unknown>;
}

/** For verbs that decide for themselves what they know. */
export function checkOptions(options: unknown, known: readonly string[], path: string): void {
  refuseUnknown(sendableOptions(options, path), known, path);
}

/** The values of a row: here what is undefined was not given. */
export function sendableValues(values: unknown, verb: string): Record<string, unknown> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new ModelInvalidError(`${verb} needs the values of a row: { title: 'A risk' }`);
  }
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, plainValue(value, `${verb}.${name}`)]));
}

function plainValue(value: unknown, path: string): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new ModelInvalidError(`${path} is a ${typeof value}, which cannot be stored`);
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  try {
    // What is stored of an object is its JSON.
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    throw new ModelInvalidError(`${path} cannot be written as JSON`);
  }
}

const models = new WeakSet();

export function markModel(model: object): void {
  models.add(model);
}

function isModel(value: object): value is { name: string } {
  return models.has(value);
}
