import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changesOf, packageFileIssues, readManifest } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import { PluginFolderError } from './plugin-folder-error.ts';

/** In this order; the first that exists is the plugin's entry. */
const entryFiles = ['src/index.ts', 'src/index.js', 'index.js', 'index.ts'];

/** What an author keeps in a plugin's folder (S:4.1), checked as for publishing. */
export interface PluginFolder {
  folder: string;
  manifest: PluginManifest;
  /** Path of the file that exports the plugin. */
  entry: string;
  /** The files that go into the package as they are, by name. */
  files: { 'manifest.json': Buffer; 'icon.png': Buffer; 'CHANGELOG.md': Buffer; 'README.md': Buffer };
  /** What the changelog says about this version. */
  changes: string;
}

/** Reads and checks a plugin's folder; throws PluginFolderError with everything that is missing or wrong. */
export async function readPluginFolder(folder: string): Promise<PluginFolder> {
  const problems: string[] = [];
  const [manifestFile, icon, changelog, readme, entry] = await Promise.all([
    fileIn(folder, 'manifest.json'),
    fileIn(folder, 'icon.png'),
    fileIn(folder, 'CHANGELOG.md'),
    fileIn(folder, 'README.md'),
    entryIn(folder),
  ]);

  const manifest = manifestFile === undefined ? undefined : manifestIn(manifestFile, problems);
  const changes = manifest && changelog && changesOf(manifest.version, changelog.toString('utf8'));
  if (manifestFile === undefined) problems.push('manifest.json is missing; it says what the plugin is');
  const beside = { 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme };
  problems.push(...packageFileIssues(manifest?.version, beside).map(({ message, hint }) => `${message}. ${hint}`));
  if (entry === undefined) problems.push(`There is no code; add ${entryFiles[0] ?? ''}`);

  if (!manifestFile || !icon || !changelog || !readme || !entry || !manifest || problems.length > 0) {
    throw new PluginFolderError(folder, problems);
  }
  const files = { 'manifest.json': manifestFile, 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme };
  return { folder, manifest, entry, files, changes: changes ?? '' };
}

async function fileIn(folder: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR';
}

async function entryIn(folder: string): Promise<string | undefined> {
  for (const file of entryFiles) {
    const path = join(folder, file);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
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
