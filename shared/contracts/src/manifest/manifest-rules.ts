import type { ConfigField, PluginManifest } from '@verifywise/plugin-types';
import { fieldIssues, type ConfigFields, type Judging } from './config-values.ts';
import { defaultSizeIssues } from './default-size.ts';
import { pointer, type ManifestIssue } from './issue.ts';
import { PatternMatching } from './safe-pattern.ts';
import { compareVersions } from './versions.ts';

/** The parts of a manifest that can contradict each other. */
export type RelatedParts = Pick<PluginManifest, 'config' | 'compatibility' | 'dependencies'> & { id?: string };

/** What a schema cannot say: parts of a manifest that contradict each other, found as they are asked for. */
export function* contradictions(manifest: RelatedParts): Generator<ManifestIssue, void, undefined> {
  const [tooLarge] = defaultSizeIssues(manifest.config, '/config');
  // Looking at each of their values is what would take long.
  if (tooLarge !== undefined) yield tooLarge;
  else yield* configContradictions(manifest.config, '/config', { matching: new PatternMatching() });
  const { minVersion, maxVersion } = manifest.compatibility;
  if (minVersion !== undefined && maxVersion !== undefined && compareVersions(minVersion, maxVersion) > 0) {
    yield {
      path: '/compatibility',
      message: `No version is both at least ${minVersion} and at most ${maxVersion}`,
      hint: 'Exchange minVersion and maxVersion',
    };
  }
  if (manifest.id !== undefined && Object.hasOwn(manifest.dependencies, manifest.id)) {
    yield {
      path: pointer('/dependencies', manifest.id),
      message: 'The plugin depends on itself',
      hint: 'Remove this dependency',
    };
  }
}

function* configContradictions(
  fields: ConfigFields,
  path: string,
  judging: Judging,
): Generator<ManifestIssue, void, undefined> {
  for (const [key, field] of Object.entries(fields)) yield* fieldContradictions(field, pointer(path, key), judging);
}

// Recursion is safe here: a manifest nested more than 32 levels deep never comes this far.
function* fieldContradictions(
  field: ConfigField,
  path: string,
  judging: Judging,
): Generator<ManifestIssue, void, undefined> {
  let sound = true;
  for (const issue of ownContradictions(field, path, judging)) {
    sound = false;
    yield issue;
  }
  if (!sound || field.default === undefined) return;
  for (const { path: place, hint } of fieldIssues(field, field.default, pointer(path, 'default'), judging)) {
    yield { path: place, message: 'The default is not a value this setting allows', hint };
  }
}

function* ownContradictions(
  field: ConfigField,
  path: string,
  judging: Judging,
): Generator<ManifestIssue, void, undefined> {
  if (field.type === 'string' && (field.minLength ?? 0) > (field.maxLength ?? Infinity)) {
    yield { path, message: 'minLength is above maxLength', hint: 'Exchange them' };
  }
  if (field.type === 'number' && (field.min ?? -Infinity) > (field.max ?? Infinity)) {
    yield { path, message: 'min is above max', hint: 'Exchange them' };
  }
  if (field.type === 'array' && field.items !== undefined) {
    yield* fieldContradictions(field.items, pointer(path, 'items'), judging);
  }
  if (field.type === 'object' && field.properties !== undefined) {
    yield* configContradictions(field.properties, pointer(path, 'properties'), judging);
  }
}
