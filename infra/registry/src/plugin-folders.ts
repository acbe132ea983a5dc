import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `plugins/builtin/activity-feed`: a plugin is at most this far below the folder that is searched. */
const DEEPEST = 2;

/** The folders with a manifest.json in or below `folder`, and in the `versions` of each plugin; sorted by path. */
export async function findPluginFolders(folder: string): Promise<string[]> {
  return (await search(folder, DEEPEST)).sort();
}

async function search(folder: string, deeper: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && entry.name === 'manifest.json')) {
    const hasVersions = entries.some((entry) => entry.isDirectory() && entry.name === 'versions');
    return [folder, ...(hasVersions ? await search(join(folder, 'versions'), 1) : [])];
  }
  if (deeper === 0) return [];
  const below = entries.filter(
    (entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'),
  );
  return (await Promise.all(below.map(({ name }) => search(join(folder, name), deeper - 1)))).flat();
}
