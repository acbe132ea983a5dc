import type { ArrayField, ConfigField, NumberField, ObjectField, StringField } from '@verifywise/plugin-types';
import { listed, pointer, type ManifestIssue } from './issue.ts';
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
  isAccepted?: (value: unknown) => boolean;
}

export interface Leniency {
  /** Values that are right as they are, for instance a stored secret that stays. */
  isAccepted?: (value: unknown) => boolean;
  /** What is required may come later. */
  mayBeMissing?: boolean;
}

/** All settings of a plugin together, as JSON: they travel with every word of the installation. */
export const MOST_CONFIG_CHARACTERS = 256 * 1024;

/** A list of ten thousand empty objects can break two million rules; nobody reads so much. */
const MOST_ISSUES = 10_000;

/**
 * Everything that is wrong with these values, all at once; empty when a plugin may see them (S:7.2). The values are whole:
 * what is absent counts as missing when it is required and has no default. Never throws, whatever the values are.
 */
export function validateConfig(
  fields: ConfigFields,
  values: unknown,
  { isAccepted = () => false, mayBeMissing = false }: Leniency = {},
): ConfigIssue[] {
  const found: ConfigIssue[] = [];
  for (const issue of objectIssues(fields, values, '', { matching: new PatternMatching(), isAccepted })) {
    if (found.length === MOST_ISSUES) break;
    if (!mayBeMissing || issue.rule !== 'required') found.push(issue);
  }
  return found;
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

/** Everything that is wrong with one value of a field, found as it is asked for. */
export function* fieldIssues(
  field: ConfigField,
  value: unknown,
  path: string,
  judging: Judging,
): Generator<ConfigIssue, void, undefined> {
  if (judging.isAccepted?.(value) === true) return;
  switch (field.type) {
    case 'string':
      if (typeof value === 'string') yield* stringIssues(field, value, path, judging);
      else yield wrongType(path, 'a text');
      return;
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) yield* numberIssues(field, value, path);
      else yield wrongType(path, 'a number');
      return;
    case 'boolean':
      if (typeof value !== 'boolean') yield wrongType(path, 'true or false');
      return;
    case 'array':
      if (Array.isArray(value)) yield* arrayIssues(field, value, path, judging);
      else yield wrongType(path, 'a list');
      return;
    case 'object':
      yield* openObjectIssues(field, value, path, judging);
  }
}

function* objectIssues(
  fields: ConfigFields,
  values: unknown,
  path: string,
  judging: Judging,
): Generator<ConfigIssue, void, undefined> {
  if (!isObject(values)) {
    yield wrongType(path, 'an object');
    return;
  }
  for (const [key, field] of Object.entries(fields)) {
    const value = ownValue(values, key);
    if (isMissing(field, value)) yield issue('required', pointer(path, key), 'is required', 'Give it a value');
    else if (value !== undefined) yield* fieldIssues(field, value, pointer(path, key), judging);
  }
  for (const key of Object.keys(values)) {
    if (!Object.hasOwn(fields, key))
      yield issue('unknown', pointer(path, key), 'is not a setting of this plugin', settingsIn(fields));
  }
}

function settingsIn(fields: ConfigFields): string {
  const known = Object.keys(fields);
  return known.length === 0 ? 'There is nothing to set here' : `The settings here are ${listed(known)}`;
}

/** An object field without `properties` takes any object. */
function* openObjectIssues(
  field: ObjectField,
  value: unknown,
  path: string,
  judging: Judging,
): Generator<ConfigIssue, void, undefined> {
  if (field.properties !== undefined) yield* objectIssues(field.properties, value, path, judging);
  else if (!isObject(value)) yield wrongType(path, 'an object');
}

function* arrayIssues(
  { items }: ArrayField,
  values: unknown[],
  path: string,
  judging: Judging,
): Generator<ConfigIssue, void, undefined> {
  if (items === undefined) return;
  for (const [index, value] of values.entries()) yield* fieldIssues(items, value, pointer(path, index), judging);
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
    issues.push(issue('enum', path, 'is not one of the choices', `Choose one of: ${listed(field.enum)}`));
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
