import type { ArrayField, ConfigField, NumberField, ObjectField, StringField } from '@verifywise/plugin-types';
import { pointer, type ManifestIssue } from './issue.ts';
import { isObject, objectFrom } from './json-object.ts';
import { PatternMatching, type PatternOutcome } from './safe-pattern.ts';
import { isStorable } from './storable.ts';

export type ConfigFields = Record<string, ConfigField>;

/** Which rule a value breaks, for callers that treat one apart: what is `required` may still come later. */
export type ConfigRule = 'required' | 'unknown' | 'type' | 'text' | 'enum' | 'pattern' | 'length' | 'range' | 'secret';

export interface ConfigIssue extends ManifestIssue {
  rule: ConfigRule;
}

/** What the values of one request are judged with. */
export interface Judging {
  matching: PatternMatching;
  /** Values that are right as they are, for instance a stored secret that stays. */
  isAccepted?: (value: unknown) => boolean;
}

/**
 * Everything that is wrong with these values, all at once; empty when a plugin may see them (S:7.2). The values are whole:
 * what is absent counts as missing when it is required and has no default. Never throws, whatever the values are.
 */
export function validateConfig(
  fields: ConfigFields,
  values: unknown,
  isAccepted: (value: unknown) => boolean = () => false,
): ConfigIssue[] {
  return objectIssues(fields, values, '', { matching: new PatternMatching(), isAccepted });
}

/**
 * The required settings without a value, which keep a plugin from being enabled (contract §4): `proxy.host` when an object was given
 * without it, `rules.0.name` in a list.
 */
export function missingConfig(fields: ConfigFields, values: Record<string, unknown>): string[] {
  return missingIn(fields, values, '');
}

function missingIn(fields: ConfigFields, values: Record<string, unknown>, path: string): string[] {
  return Object.entries(fields).flatMap(([key, field]) => missingOf(field, ownValue(values, key), `${path}${key}`));
}

function missingOf(field: ConfigField, value: unknown, path: string): string[] {
  if (isMissing(field, value)) return [path];
  if (field.type === 'object' && field.properties !== undefined && isObject(value))
    return missingIn(field.properties, value, `${path}.`);
  if (field.type === 'array' && field.items !== undefined && Array.isArray(value)) {
    const { items } = field;
    return value.flatMap((item, index) => missingOf(items, item, `${path}.${index}`));
  }
  return [];
}

/**
 * What a plugin reads: the stored values, and the manifest's defaults where there is none, also inside of objects that are there.
 * A setting without either is absent.
 */
export function effectiveConfig(fields: ConfigFields, values: Record<string, unknown>): Record<string, unknown> {
  const filled = Object.entries(fields).flatMap(([key, field]): [string, unknown][] => {
    const value = effectiveValue(field, ownValue(values, key));
    return value === undefined ? [] : [[key, value]];
  });
  return objectFrom([...Object.entries(values), ...filled]);
}

function effectiveValue(field: ConfigField, stored: unknown): unknown {
  const value = stored === undefined ? structuredClone(field.default) : stored;
  if (field.type === 'object' && field.properties !== undefined && isObject(value))
    return effectiveConfig(field.properties, value);
  if (field.type === 'array' && field.items !== undefined && Array.isArray(value)) {
    const { items } = field;
    return value.map((item) => effectiveValue(items, item));
  }
  return value;
}

/** Everything that is wrong with one value of a field. */
export function fieldIssues(field: ConfigField, value: unknown, path: string, judging: Judging): ConfigIssue[] {
  if (judging.isAccepted?.(value) === true) return [];
  switch (field.type) {
    case 'string':
      return typeof value === 'string' ? stringIssues(field, value, path, judging) : [wrongType(path, 'a text')];
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
        ? numberIssues(field, value, path)
        : [wrongType(path, 'a number')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(path, 'true or false')];
    case 'array':
      return Array.isArray(value) ? arrayIssues(field, value, path, judging) : [wrongType(path, 'a list')];
    case 'object':
      return openObjectIssues(field, value, path, judging);
  }
}

function objectIssues(fields: ConfigFields, values: unknown, path: string, judging: Judging): ConfigIssue[] {
  if (!isObject(values)) return [wrongType(path, 'an object')];
  const issues: ConfigIssue[] = [];
  for (const [key, field] of Object.entries(fields)) {
    const value = ownValue(values, key);
    const place = pointer(path, key);
    if (isMissing(field, value)) issues.push(issue('required', place, 'is required', 'Give it a value'));
    else if (value !== undefined) issues.push(...fieldIssues(field, value, place, judging));
  }
  const known = Object.keys(fields);
  const hint = known.length === 0 ? 'There is nothing to set here' : `The settings here are ${known.join(', ')}`;
  for (const key of Object.keys(values)) {
    if (!Object.hasOwn(fields, key))
      issues.push(issue('unknown', pointer(path, key), 'is not a setting of this plugin', hint));
  }
  return issues;
}

/** An object field without `properties` takes any object. */
function openObjectIssues(field: ObjectField, value: unknown, path: string, judging: Judging): ConfigIssue[] {
  if (field.properties !== undefined) return objectIssues(field.properties, value, path, judging);
  return isObject(value) ? [] : [wrongType(path, 'an object')];
}

function arrayIssues(field: ArrayField, values: unknown[], path: string, judging: Judging): ConfigIssue[] {
  const { items } = field;
  if (items === undefined) return [];
  return values.flatMap((value, index) => fieldIssues(items, value, pointer(path, index), judging));
}

function numberIssues(field: NumberField, value: number, path: string): ConfigIssue[] {
  if (field.min !== undefined && value < field.min)
    return [outOfRange(path, `is below ${field.min}`, `Give at least ${field.min}`)];
  if (field.max !== undefined && value > field.max)
    return [outOfRange(path, `is above ${field.max}`, `Give at most ${field.max}`)];
  return [];
}

function outOfRange(path: string, what: string, hint: string): ConfigIssue {
  return issue('range', path, what, hint);
}

function stringIssues(field: StringField, value: string, path: string, { matching }: Judging): ConfigIssue[] {
  if (!isStorable(value)) return [issue('text', path, 'has a NUL or a broken character in it', 'Type it again')];
  const issues: ConfigIssue[] = [];
  if (field.enum !== undefined && !field.enum.includes(value)) {
    issues.push(issue('enum', path, 'is not one of the choices', `Choose one of: ${field.enum.join(', ')}`));
  }
  const { minLength = 0, maxLength = Infinity } = field;
  const length = characters(value);
  if (length < minLength) issues.push(issue('length', path, 'is too short', `Give at least ${minLength} characters`));
  if (length > maxLength) issues.push(issue('length', path, 'is too long', `Give at most ${maxLength} characters`));
  if (field.pattern !== undefined)
    issues.push(...patternIssues(field.pattern, matching.match(field.pattern, value), path));
  return issues;
}

/** Code points: an emoji is one character to whoever types it, and two to `length`. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function patternIssues(pattern: string, outcome: PatternOutcome, path: string): ConfigIssue[] {
  switch (outcome) {
    case 'matches':
      return [];
    case 'differs':
      return [issue('pattern', path, 'does not have the expected form', `It must match ${pattern}`)];
    case 'too long':
      return [issue('pattern', path, 'is too long to be checked', 'Give a shorter text')];
    case 'unusable':
      return [
        issue(
          'pattern',
          path,
          'has a pattern that cannot be checked',
          'Ask the author of the plugin for a simpler one',
        ),
      ];
  }
}

/** An empty text is no answer to a required question; an empty list or object may be one. */
function isMissing(field: ConfigField, value: unknown): boolean {
  if (field.required !== true) return false;
  return value === '' || ((value === undefined || value === null) && field.default === undefined);
}

/** Values come from outside: `constructor` must not be found in them where nobody put it. */
function ownValue(values: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function wrongType(path: string, expected: string): ConfigIssue {
  return issue('type', path, `is not ${expected}`, `Give ${expected}`);
}

/** The value itself is never in the message: it may be a secret. */
function issue(rule: ConfigRule, path: string, what: string, hint: string): ConfigIssue {
  const name = path.slice(1).replaceAll('/', '.').slice(0, 200);
  return { rule, path, message: `${name === '' ? 'The configuration' : `"${name}"`} ${what}`, hint };
}
