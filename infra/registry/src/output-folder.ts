import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BuiltRegistry } from './build-registry.ts';
import { downloadPath, iconPath, newestShown, type RegistryDocument } from './registry-document.ts';

/**
 * Writes packages, icons and registry.json into the folder that is served. A file that would not change is left alone, so
 * a restart changes no ETag; registry.json comes last, so it never lists what is not there yet.
 */
export async function writeRegistry({ document, packages }: BuiltRegistry, folder: string): Promise<void> {
  for (const { fileName, bytes } of packages) await writeIfChanged(join(folder, downloadPath(fileName)), bytes);
  for (const { id, version } of document.plugins) {
    const shown = newestShown(packages.filter(({ manifest }) => manifest.id === id && manifest.version === version));
    if (shown !== undefined) await writeIfChanged(join(folder, iconPath(id)), shown.icon);
  }
  await writeDocument(document, join(folder, 'registry.json'));
}

/** Writes registry.json, whole or not at all; false when it says the same already. */
export async function writeDocument(document: RegistryDocument, path: string): Promise<boolean> {
  if (saysTheSame(await contentOf(path), document)) return false;
  await replace(path, Buffer.from(`${JSON.stringify(document, null, 2)}\n`));
  return true;
}

/** Whether the registry on disk differs in nothing but the time it was made. */
function saysTheSame(written: Buffer | undefined, document: RegistryDocument): boolean {
  if (written === undefined) return false;
  try {
    const before = JSON.parse(written.toString('utf8')) as Partial<RegistryDocument>;
    const after = JSON.parse(JSON.stringify(document)) as RegistryDocument;
    return isDeepStrictEqual({ ...before, generated: '' }, { ...after, generated: '' });
  } catch {
    return false;
  }
}

async function writeIfChanged(path: string, bytes: Buffer): Promise<void> {
  if ((await contentOf(path))?.equals(bytes) !== true) await replace(path, bytes);
}

async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whoever is downloading meanwhile gets the old file or the new one, whole. */
async function replace(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  await writeFile(draft, bytes);
  await rename(draft, path);
}
