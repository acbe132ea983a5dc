import { ModelInvalidError } from './invalid.ts';

const MODEL_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const ATTRIBUTE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** Words that mean something else where an attribute's name may stand. */
const TAKEN = new Set([
  // In `where` they combine conditions.
  ...['and', 'or', 'not'],
  // The verbs of an instance.
  ...['get', 'set', 'save', 'update', 'destroy', 'reload', 'toJSON'],
  // What every object of JavaScript has.
  ...['constructor', 'prototype', '__proto__'],
  // What every table of PostgreSQL has.
  ...['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'],
]);

export function checkModelName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || !MODEL_NAME.test(name)) {
    throw new ModelInvalidError(
      `A model cannot be named ${shown(name)}; use letters, digits and _, beginning with a letter`,
    );
  }
}

/** `what` says whose name it is, for the message. */
export function checkAttributeName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string' || !ATTRIBUTE_NAME.test(name)) {
    throw new ModelInvalidError(
      `${what} cannot be named ${shown(name)}; use at most 63 letters, digits and _, not beginning with a digit`,
    );
  }
  if (TAKEN.has(name)) {
    throw new ModelInvalidError(`${what} cannot be named ${name}, which has another meaning; choose another name`);
  }
}

export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value === null || ['undefined', 'number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
