import { changesOf, packageFileIssues, readManifest } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';

/** What has to be in every published plugin beside its code (S:8.4), by name. */
export interface PublishedFiles {
  'manifest.json': Buffer;
  'icon.png': Buffer;
  'CHANGELOG.md': Buffer;
  'README.md': Buffer;
}

export type CheckedFiles =
  { ok: true; manifest: PluginManifest; files: PublishedFiles; changes: string } | { ok: false; problems: string[] };

/** Checks what is there as for publishing; every problem is a sentence that says what to do. */
export function checkPublishedFiles(given: { [Name in keyof PublishedFiles]: Buffer | undefined }): CheckedFiles {
  const problems: string[] = [];
  const { 'manifest.json': manifestFile, 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme } = given;
  const manifest = manifestFile === undefined ? undefined : manifestIn(manifestFile, problems);
  const changes = manifest && changelog && changesOf(manifest.version, changelog.toString('utf8'));
  if (manifestFile === undefined) problems.push('manifest.json is missing; it says what the plugin is');
  const beside = { 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme };
  problems.push(...packageFileIssues(manifest?.version, beside).map(({ message, hint }) => `${message}. ${hint}`));

  if (!manifestFile || !icon || !changelog || !readme || !manifest || problems.length > 0)
    return { ok: false, problems };
  const files = { 'manifest.json': manifestFile, 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme };
  return { ok: true, manifest, files, changes: changes ?? '' };
}

function manifestIn(file: Buffer, problems: string[]): PluginManifest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(file.toString('utf8'));
  } catch (error) {
    problems.push(`manifest.json is not JSON: ${(error as Error).message}`);
    return undefined;
  }
  const reading = readManifest(json, 'publish');
  if (reading.ok) return reading.manifest;
  problems.push(...reading.issues.map(({ message, hint }) => `manifest.json: ${message}. ${hint}`));
  return undefined;
}
