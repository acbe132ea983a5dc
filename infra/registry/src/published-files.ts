import { readManifest } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import { changesOf } from './changelog.ts';
import { pngSize } from './png-size.ts';

const ICON_PIXELS = 64;

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
  if (icon === undefined) problems.push(`icon.png is missing; add a PNG of ${ICON_PIXELS}×${ICON_PIXELS} pixels`);
  else problems.push(...iconProblems(icon));
  if (changelog === undefined) problems.push('CHANGELOG.md is missing; describe each version under a heading');
  else if (manifest !== undefined && changes === undefined) {
    problems.push(
      `CHANGELOG.md does not mention version ${manifest.version}; add a section "## [${manifest.version}]"`,
    );
  }
  if (readme === undefined) problems.push('README.md is missing; tell people what the plugin does');
  else if (readme.toString('utf8').trim() === '') problems.push('README.md is empty; tell people what the plugin does');

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

function iconProblems(icon: Buffer): string[] {
  const size = pngSize(icon);
  if (size === undefined) return ['icon.png is no PNG file, or a damaged one; export it again'];
  if (size.width === ICON_PIXELS && size.height === ICON_PIXELS) return [];
  return [`icon.png is ${size.width}×${size.height} pixels; make it ${ICON_PIXELS}×${ICON_PIXELS}`];
}
