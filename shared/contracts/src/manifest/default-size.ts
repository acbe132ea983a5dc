import type { ConfigField } from '@verifywise/plugin-types';
import { MOST_CONFIG_CHARACTERS, type ConfigFields } from './config-values.ts';
import { pointer, type ManifestIssue } from './issue.ts';
import { isObject } from './json-object.ts';

/** An admin may add tens of thousands of items. */
const MOST_OF_AN_ITEM = 2_000;

/**
 * Defaults that would fill up the settings without end. They multiply: where each of ten items has a list of ten items by default,
 * nine levels of that are a thousand million values.
 */
export function* defaultSizeIssues(fields: ConfigFields, path: string): Generator<ManifestIssue, void, undefined> {
  if (filledSize(fields, {}, MOST_CONFIG_CHARACTERS) > MOST_CONFIG_CHARACTERS) {
    const message = `The defaults of the settings have more than ${MOST_CONFIG_CHARACTERS} characters together`;
    yield { path, message, hint: 'Use fewer or shorter ones; those inside of a list count for each of its items' };
  } else yield* itemIssues(fields, path);
}

// Recursion is safe here: a manifest nested more than 32 levels deep never comes this far.
function* itemIssues(fields: ConfigFields, path: string): Generator<ManifestIssue, void, undefined> {
  for (const [key, field] of Object.entries(fields)) yield* issuesOfItems(field, pointer(path, key));
}

function* issuesOfItems(field: ConfigField, path: string): Generator<ManifestIssue, void, undefined> {
  if (field.type === 'object' && field.properties !== undefined) {
    yield* itemIssues(field.properties, pointer(path, 'properties'));
  }
  if (field.type !== 'array' || field.items === undefined) return;
  const place = pointer(path, 'items');
  if (valueSize(field.items, {}, MOST_OF_AN_ITEM) > MOST_OF_AN_ITEM) {
    const message = `The defaults of an item have more than ${MOST_OF_AN_ITEM} characters together`;
    yield { path: place, message, hint: 'Use fewer or shorter ones' };
  } else yield* issuesOfItems(field.items, place);
}

/** How large these values are with the defaults filled in, in characters; no more is counted once it is more than `most`. */
function filledSize(fields: ConfigFields, values: Record<string, unknown>, most: number): number {
  let size = 0;
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(fields, key)) size += key.length + textSize(value);
  }
  for (const [key, field] of Object.entries(fields)) {
    if (size > most) break;
    const own = Object.hasOwn(values, key) ? values[key] : undefined;
    // Without one as well, for looking at it takes time.
    size += key.length + valueSize(field, own, most - size);
  }
  return size;
}

function valueSize(field: ConfigField, own: unknown, most: number): number {
  const value = own === undefined ? field.default : own;
  if (field.type === 'object' && field.properties !== undefined && isObject(value))
    return filledSize(field.properties, value, most);
  if (field.type !== 'array' || field.items === undefined || !Array.isArray(value)) return textSize(value);
  let size = 0;
  for (const item of value) {
    if (size > most) break;
    size += 1 + valueSize(field.items, item, most - size);
  }
  return size;
}

function textSize(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}
