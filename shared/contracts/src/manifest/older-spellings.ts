import { permissions, type Permission } from '@verifywise/plugin-types';
import { pointer, type ManifestIssue, type Warn } from './issue.ts';
import { isComment, isObject, objectFrom, type JsonObject } from './json-object.ts';
import { rewriteConfig } from './older-config.ts';

/** Fields of the install profile; others are left out with a warning. */
const known = new Set([
  ...['id', 'name', 'description', 'version', 'author', 'homepage', 'repository', 'support', 'type', 'tags'],
  ...['permissions', 'config', 'compatibility', 'dependencies', 'ui', 'license', 'icon', 'detailedDescription'],
  ...['keywords', 'releaseDate', 'faq', 'changelog'],
]);

/** Older names of known fields, which are read as those. */
const renamed = new Set(['authorUrl', 'supportUrl', 'minCoreVersion', 'maxCoreVersion']);

/**
 * The manifest as the install profile wants it (contract §3): older spellings rewritten, unknown fields left out with a warning.
 * What is wrong in other ways is left as it is, for the schema to judge.
 */
export function rewriteOlderSpellings(manifest: JsonObject): { manifest: JsonObject; warnings: ManifestIssue[] } {
  const warnings: ManifestIssue[] = [];
  const warn: Warn = (path, message, hint) => void warnings.push({ path, message, hint });

  const kept = new Map<string, unknown>();
  for (const [key, value] of Object.entries(manifest)) {
    if (known.has(key)) kept.set(key, value);
    else if (!renamed.has(key) && !isComment(key))
      warn(pointer('', key), `"${key}" is unknown and left out`, 'Remove it');
  }

  rewrite(kept, 'version', (version) => withoutLeadingV(version));
  if (kept.get('support') === undefined && manifest.supportUrl !== undefined) kept.set('support', manifest.supportUrl);
  kept.set('author', author(manifest));
  kept.set('compatibility', compatibility(manifest));
  if (!kept.has('tags')) warn('/tags', 'The manifest has no "tags"', 'Add "tags": [] or the words people search for');
  if (!kept.has('permissions')) warn('/permissions', 'The manifest has no "permissions"', 'Add "permissions": []');
  rewrite(kept, 'permissions', (value) => (Array.isArray(value) ? knownPermissions(value, warn) : value));
  rewrite(kept, 'config', (value) => (isObject(value) ? rewriteConfig(value, '/config', warn) : value));
  rewrite(kept, 'tags', (value) => (Array.isArray(value) ? usableTags(value, warn) : value));

  const present = [...kept].filter(([, value]) => value !== undefined);
  return { manifest: objectFrom(present), warnings };
}

function rewrite(kept: Map<string, unknown>, key: string, change: (value: unknown) => unknown): void {
  if (kept.has(key)) kept.set(key, change(kept.get(key)));
}

function withoutLeadingV(version: unknown): unknown {
  return typeof version === 'string' && /^v\d/.test(version) ? version.slice(1) : version;
}

function author(manifest: JsonObject): unknown {
  const { author: written, authorUrl } = manifest;
  const whole = typeof written === 'string' ? { name: written } : written;
  if (!isObject(whole)) return whole;
  const url = whole.url ?? authorUrl;
  return url === undefined ? { name: whole.name } : { name: whole.name, url };
}

function compatibility(manifest: JsonObject): unknown {
  const written = manifest.compatibility ?? {};
  if (!isObject(written)) return written;
  const minVersion = withoutLeadingV(written.minVersion ?? written.minCoreVersion ?? manifest.minCoreVersion);
  const maxVersion = withoutLeadingV(written.maxVersion ?? written.maxCoreVersion ?? manifest.maxCoreVersion);
  return { ...(minVersion === undefined ? {} : { minVersion }), ...(maxVersion === undefined ? {} : { maxVersion }) };
}

const olderPermissions: ReadonlyMap<string, Permission[]> = new Map<string, Permission[]>([
  ['events:subscribe', ['events:listen']],
  ['models:use', ['models:define', 'database:read']],
]);

/** The permissions of today that a name stands for; none when it is unknown (contract §2). */
export function permissionsNamed(name: unknown): Permission[] {
  const today = permissions.find((permission) => permission === name);
  if (today !== undefined) return [today];
  if (typeof name !== 'string') return [];
  if (/^read:./.test(name)) return ['database:read'];
  if (/^write:./.test(name)) return ['database:write'];
  return olderPermissions.get(name) ?? [];
}

function knownPermissions(written: unknown[], warn: Warn): Permission[] {
  const found = new Set<Permission>();
  for (const [index, name] of written.entries()) {
    const meant = permissionsNamed(name);
    for (const permission of meant) found.add(permission);
    if (meant.length === 0) {
      warn(pointer('/permissions', index), `The permission ${shown(name)} is unknown and left out`, 'Remove it');
    } else if (meant[0] !== name) {
      const today = meant.join(' and ');
      warn(
        pointer('/permissions', index),
        `The permission ${shown(name)} is an older name of ${today}`,
        `Write ${today}`,
      );
    }
  }
  return [...found];
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 100)}"` : 'that is no text';
}

const MOST_TAGS = 50;
const LONGEST_TAG = 50;

function usableTags(written: unknown[], warn: Warn): string[] {
  const tags = new Set<string>();
  for (const tag of written) if (typeof tag === 'string' && tag !== '' && tag.length <= LONGEST_TAG) tags.add(tag);
  const usable = [...tags].slice(0, MOST_TAGS);
  if (usable.length < written.length) {
    const hint = `Give at most ${MOST_TAGS} different words of at most ${LONGEST_TAG} characters`;
    warn('/tags', 'Some tags cannot be used and are left out', hint);
  }
  return usable;
}
