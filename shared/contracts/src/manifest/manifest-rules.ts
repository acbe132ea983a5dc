import type { ConfigField, PluginManifest } from '@verifywise/plugin-types';
import { fieldIssues, type ConfigFields, type Judging } from './config-values.ts';
import { pointer, type ManifestIssue } from './issue.ts';
import { PatternMatching } from './safe-pattern.ts';
import { compareVersions } from './versions.ts';

/** The parts of a manifest that can contradict each other. */
export type RelatedParts = Pick<PluginManifest, 'config' | 'compatibility' | 'dependencies'> & { id?: string };

/** What a schema cannot say: parts of a manifest that contradict each other. */
export function contradictions(manifest: RelatedParts): ManifestIssue[] {
  const issues = configContradictions(manifest.config, '/config', { matching: new PatternMatching() });
  const { minVersion, maxVersion } = manifest.compatibility;
  if (minVersion !== undefined && maxVersion !== undefined && compareVersions(minVersion, maxVersion) > 0) {
    issues.push({
      path: '/compatibility',
      message: `No version is both at least ${minVersion} and at most ${maxVersion}`,
      hint: 'Exchange minVersion and maxVersion',
    });
  }
  if (manifest.id !== undefined && Object.hasOwn(manifest.dependencies, manifest.id)) {
    issues.push({
      path: pointer('/dependencies', manifest.id),
      message: 'The plugin depends on itself',
      hint: 'Remove this dependency',
    });
  }
  return issues;
}

function configContradictions(fields: ConfigFields, path: string, judging: Judging): ManifestIssue[] {
  return Object.entries(fields).flatMap(([key, field]) => fieldContradictions(field, pointer(path, key), judging));
}

// Recursion is safe here: a manifest nested more than 32 levels deep never comes this far.
function fieldContradictions(field: ConfigField, path: string, judging: Judging): ManifestIssue[] {
  const issues: ManifestIssue[] = [];
  if (field.type === 'string' && (field.minLength ?? 0) > (field.maxLength ?? Infinity)) {
    issues.push({ path, message: 'minLength is above maxLength', hint: 'Exchange them' });
  }
  if (field.type === 'number' && (field.min ?? -Infinity) > (field.max ?? Infinity)) {
    issues.push({ path, message: 'min is above max', hint: 'Exchange them' });
  }
  if (field.type === 'array' && field.items !== undefined) {
    issues.push(...fieldContradictions(field.items, pointer(path, 'items'), judging));
  }
  if (field.type === 'object' && field.properties !== undefined) {
    issues.push(...configContradictions(field.properties, pointer(path, 'properties'), judging));
  }
  if (issues.length > 0 || field.default === undefined) return issues;
  return fieldIssues(field, field.default, pointer(path, 'default'), judging).map(({ path: place, hint }) => ({
    path: place,
    message: 'The default is not a value this setting allows',
    hint,
  }));
}
