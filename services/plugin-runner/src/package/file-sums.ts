import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The SHA-256 of every file of a folder, by its path in it. */
export type FileSums = Record<string, string>;

export async function sumsOf(folder: string): Promise<FileSums> {
  const sums: [string, string][] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    // What is no file was not unpacked by us, and counts as a file with contents of its own.
    const sum = entry.isFile() ? await hashOfFile(path) : 'no file';
    sums.push([path.slice(folder.length + 1), sum]);
  }
  return Object.fromEntries(sums.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Whether the folder holds these files, unchanged, and no others. */
export async function holdsExactly(folder: string, expected: unknown): Promise<boolean> {
  return JSON.stringify(await sumsOf(folder)) === JSON.stringify(expected);
}

/** The SHA-256 of a file, read piece by piece. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
