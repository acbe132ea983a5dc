import type { PluginManifest } from '@verifywise/plugin-types';
import { shortened, type ManifestIssue } from './issue.ts';
import { isObject, objectFrom, type JsonObject } from './json-object.ts';
import { contradictions, type RelatedParts } from './manifest-rules.ts';
import { rewriteOlderSpellings } from './older-spellings.ts';
import { hasTooManyPatterns } from './safe-pattern.ts';
import { schemaIssues } from './schema-check.ts';
import type { ManifestProfile } from './schema.ts';
import { storableIssues } from './storable.ts';
import { parseVersion } from './versions.ts';

export type ManifestReading =
  { ok: true; manifest: PluginManifest; warnings: ManifestIssue[] } | { ok: false; issues: ManifestIssue[] };

/**
 * Reads a parsed `manifest.json` (S:4, contract §3) into the one shape the platform works with, or says everything that is wrong
 * with it. Never throws, whatever the value is; its time grows with the manifest's size and no faster.
 */
export function readManifest(json: unknown, profile: ManifestProfile): ManifestReading {
  const unstorable = storableIssues(json);
  if (unstorable.length > 0) return refused(unstorable);
  if (!isObject(json)) {
    return refused([
      { path: '', message: 'The manifest is not a JSON object', hint: 'Write { "id": …, "name": …, … }' },
    ]);
  }
  if (hasTooManyPatterns(json.config)) {
    const hint = 'Use fewer or shorter ones; {n,m} counts as m times what it repeats';
    return refused([{ path: '/config', message: 'The patterns of the settings are too large together', hint }]);
  }

  const { manifest: written, warnings } =
    profile === 'install' ? rewriteOlderSpellings(json) : { manifest: json, warnings: [] };
  const issues = schemaIssues(written, profile);
  const grave = profile === 'install' ? issues.filter(({ path }) => fieldThatInforms(path) === undefined) : issues;
  const refusedFor = shortened(allOf(grave, contradictions(soundParts(written, grave))));
  if (refusedFor.length > 0) return { ok: false, issues: refusedFor };

  const leftOut = issues.map((issue) => ({ ...issue, message: `${issue.message}; it is left out` }));
  return {
    ok: true,
    manifest: normalised(withoutFields(written, issues)),
    warnings: shortened([...warnings, ...leftOut]),
  };
}

function* allOf(...lists: Iterable<ManifestIssue>[]): Generator<ManifestIssue, void, undefined> {
  for (const list of lists) yield* list;
}

function refused(issues: ManifestIssue[]): ManifestReading {
  return { ok: false, issues: shortened(issues) };
}

/** Fields that only inform an admin: without them the plugin runs all the same. */
const informing = [
  ...['homepage', 'repository', 'support', 'license', 'icon', 'detailedDescription', 'keywords', 'releaseDate'],
  ...['faq', 'changelog', 'ui'],
];

/** Which informing field an issue is about; undefined when it is about one the platform works with. */
function fieldThatInforms(path: string): string | undefined {
  return path === '/author/url'
    ? 'author.url'
    : informing.find((field) => path === `/${field}` || path.startsWith(`/${field}/`));
}

function withoutFields(manifest: JsonObject, issues: ManifestIssue[]): JsonObject {
  const dropped = new Set(issues.map(({ path }) => fieldThatInforms(path)));
  const kept = objectFrom(Object.entries(manifest).filter(([field]) => !dropped.has(field)));
  if (dropped.has('author.url') && isObject(kept.author)) return { ...kept, author: { name: kept.author.name } };
  return kept;
}

/** Those parts that fit the schema, so that a contradiction is told together with mistakes elsewhere. */
function soundParts(manifest: JsonObject, issues: ManifestIssue[]): RelatedParts {
  const sound = (field: string): boolean =>
    !issues.some(({ path }) => path === `/${field}` || path.startsWith(`/${field}/`));
  return {
    ...(sound('id') ? { id: manifest.id as string } : {}),
    config: (sound('config') ? (manifest.config ?? {}) : {}) as RelatedParts['config'],
    compatibility: sound('compatibility') ? (manifest.compatibility ?? {}) : {},
    dependencies: (sound('dependencies') ? (manifest.dependencies ?? {}) : {}) as RelatedParts['dependencies'],
  };
}

/** A manifest that fits the schema in its full form: nothing absent that has a default, versions with all three numbers. */
function normalised(checked: JsonObject): PluginManifest {
  const {
    version,
    tags = [],
    permissions = [],
    config = {},
    compatibility = {},
    dependencies = {},
    ...rest
  } = checked as unknown as Pick<PluginManifest, 'version'> & Partial<PluginManifest>;
  const { minVersion, maxVersion } = compatibility;
  return {
    ...(rest as Omit<PluginManifest, 'version'>),
    version: fullVersion(version),
    tags: [...new Set(tags)],
    permissions: [...new Set(permissions)],
    config,
    compatibility: {
      ...(minVersion === undefined ? {} : { minVersion: fullVersion(minVersion) }),
      ...(maxVersion === undefined ? {} : { maxVersion: fullVersion(maxVersion) }),
    },
    dependencies,
  };
}

function fullVersion(version: string): string {
  return parseVersion(version) ?? version;
}
