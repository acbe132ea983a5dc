import type { ArrayField, ConfigField, NumberField, ObjectField, StringField } from '@verifywise/plugin-types';
import { pointer, type ManifestIssue } from './issue.ts';
import { isObject, objectFrom } from './json-object.ts';
import { matchPattern } from './safe-pattern.ts';
import { isStorable } from './storable.ts';

export type ConfigFields = Record<string, ConfigField>;

/** Which rule a value breaks, for callers that treat one apart: what is `required` may still come later. */
export type ConfigRule = 'required' | 'unknown' | 'type' | 'text' | 'enum' | 'pattern' | 'length' | 'range';

export interface ConfigIssue extends ManifestIssue {
  rule: ConfigRule;
}

/**
 * Everything that is wrong with these values, all at once; empty when a plugin may see them (S:7.2). The values are whole:
 * what is absent counts as missing when it is required and has no default. Never throws, whatever the values are.
 */
export function validateConfig(fields: ConfigFields, values: unknown): ConfigIssue[] {
  return objectIssues(fields, values, '');
}

/** The required settings without a value, which keep a plugin from being enabled (contract §4). */
export function missingConfig(fields: ConfigFields, values: Record<string, unknown>): string[] {
  return Object.entries(fields)
    .filter(([key, field]) => isMissing(field, ownValue(values, key)))
    .map(([key]) => key);
}

/** The defaults of the manifest; settings without one are absent. */
export function configDefaults(fields: ConfigFields): Record<string, unknown> {
  const withDefault = Object.entries(fields).filter(([, field]) => field.default !== undefined);
  return objectFrom(withDefault.map(([key, field]) => [key, structuredClone(field.default)]));
}

/** Everything that is wrong with one value of a field. */
export function fieldIssues(field: ConfigField, value: unknown, path: string): ConfigIssue[] {
  switch (field.type) {
    case 'string':
      return typeof value === 'string' ? stringIssues(field, value, path) : [wrongType(path, 'a text')];
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
        ? numberIssues(field, value, path)
        : [wrongType(path, 'a number')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(path, 'true or false')];
    case 'array':
      return Array.isArray(value) ? arrayIssues(field, value, path) : [wrongType(path, 'a list')];
    case 'object':
      return openObjectIssues(field, value, path);
  }
}

function objectIssues(fields: ConfigFields, values: unknown, path: string): ConfigIssue[] {
  if (!isObject(values)) return [wrongType(path, 'an object')];
  const issues: ConfigIssue[] = [];
  for (const [key, field] of Object.entries(fields)) {
    const value = ownValue(values, key);
    const place = pointer(path, key);
    if (isMissing(field, value)) issues.push(issue('required', place, 'is required', 'Give it a value'));
    else if (value !== undefined) issues.push(...fieldIssues(field, value, place));
  }
  for (const key of Object.keys(values)) {
    if (!Object.hasOwn(fields, key))
      issues.push(issue('unknown', pointer(path, key), 'is not a setting of this plugin', 'Remove it'));
  }
  return issues;
}

/** An object field without `properties` takes any object. */
function openObjectIssues(field: ObjectField, value: unknown, path: string): ConfigIssue[] {
  if (field.properties !== undefined) return objectIssues(field.properties, value, path);
  return isObject(value) ? [] : [wrongType(path, 'an object')];
}

function arrayIssues(field: ArrayField, values: unknown[], path: string): ConfigIssue[] {
  const { items } = field;
  if (items === undefined) return [];
  return values.flatMap((value, index) => fieldIssues(items, value, pointer(path, index)));
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

function stringIssues(field: StringField, value: string, path: string): ConfigIssue[] {
  if (!isStorable(value)) return [issue('text', path, 'has a NUL or a broken character in it', 'Type it again')];
  const issues: ConfigIssue[] = [];
  if (field.enum !== undefined && !field.enum.includes(value)) {
    issues.push(issue('enum', path, 'is not one of the choices', `Choose one of: ${field.enum.join(', ')}`));
  }
  const { minLength = 0, maxLength = Infinity } = field;
  const length = characters(value);
  if (length < minLength) issues.push(issue('length', path, 'is too short', `Give at least ${minLength} characters`));
  if (length > maxLength) issues.push(issue('length', path, 'is too long', `Give at most ${maxLength} characters`));
  if (field.pattern !== undefined) issues.push(...patternIssues(field.pattern, value, path));
  return issues;
}

/** Code points: an emoji is one character to whoever types it, and two to `length`. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function patternIssues(pattern: string, value: string, path: string): ConfigIssue[] {
  switch (matchPattern(pattern, value)) {
    case 'matches':
      return [];
    case 'differs':
      return [issue('pattern', path, 'does not have the expected form', `It must match ${pattern}`)];
    case 'too long':
      return [issue('pattern', path, 'is too long to be checked', 'Give a shorter text')];
    case 'too slow':
      return [
        issue(
          'pattern',
          path,
          'cannot be checked in reasonable time',
          'Ask the author of the plugin for a simpler pattern',
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
