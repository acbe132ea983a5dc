import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginManifest } from '@verifywise/plugin-types';
import { PluginFolderError } from './plugin-folder-error.ts';
import { checkPublishedFiles, type PublishedFiles } from './published-files.ts';

/** In this order; the first that exists is the plugin's entry. */
const entryFiles = ['src/index.ts', 'src/index.js', 'index.js', 'index.ts'];

/** What an author keeps in a plugin's folder (S:4.1), checked as for publishing. */
export interface PluginFolder {
  folder: string;
  manifest: PluginManifest;
  /** Path of the file that exports the plugin. */
  entry: string;
  /** The files that go into the package as they are, by name. */
  files: PublishedFiles;
  /** What the changelog says about this version. */
  changes: string;
}

/** Reads and checks a plugin's folder; throws PluginFolderError with everything that is missing or wrong. */
export async function readPluginFolder(folder: string): Promise<PluginFolder> {
  const [manifestFile, icon, changelog, readme, entry] = await Promise.all([
    fileIn(folder, 'manifest.json'),
    fileIn(folder, 'icon.png'),
    fileIn(folder, 'CHANGELOG.md'),
    fileIn(folder, 'README.md'),
    entryIn(folder),
  ]);
  const given = { 'manifest.json': manifestFile, 'icon.png': icon, 'CHANGELOG.md': changelog, 'README.md': readme };
  const checked = checkPublishedFiles(given);
  const problems = entry === undefined ? [`There is no code; add ${entryFiles[0] ?? ''}`] : [];
  if (!checked.ok || entry === undefined) {
    throw new PluginFolderError(folder, [...(checked.ok ? [] : checked.problems), ...problems]);
  }
  const { manifest, files, changes } = checked;
  return { folder, manifest, entry, files, changes };
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
