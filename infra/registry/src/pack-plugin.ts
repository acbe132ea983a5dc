import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { PluginManifest } from '@verifywise/plugin-types';
import { bundle } from './bundle.ts';
import { readPluginFolder } from './plugin-folder.ts';
import { PluginFolderError } from './plugin-folder-error.ts';
import { zip } from './zip.ts';

/** What an installation downloads at most (S:9.4). */
const LARGEST_PACKAGE = 50 * 1024 * 1024;

/** A plugin as it is published: the zip of S:4.2 and what a registry says about it. */
export interface PackedPlugin {
  folder: string;
  /** `{id}-{version}.zip` */
  fileName: string;
  bytes: Buffer;
  /** `sha256:<hex>` of `bytes`. */
  checksum: string;
  manifest: PluginManifest;
  icon: Buffer;
  /** What the changelog says about this version. */
  changelog: string;
}

/**
 * Checks, bundles and zips a plugin's folder. The same folder gives the same checksum each time.
 * Throws PluginFolderError with everything that is wrong with it.
 */
export async function packPlugin(path: string): Promise<PackedPlugin> {
  const source = await readPluginFolder(resolve(path));
  const { manifest, files, changes } = source;
  const bytes = await zip({ ...files, 'index.js': await bundle(source) });
  if (bytes.length > LARGEST_PACKAGE) {
    throw new PluginFolderError(source.folder, [
      `The package has ${bytes.length} bytes; ${LARGEST_PACKAGE} are allowed`,
    ]);
  }
  return {
    folder: source.folder,
    fileName: `${manifest.id}-${manifest.version}.zip`,
    bytes,
    checksum: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    manifest,
    icon: files['icon.png'],
    changelog: changes,
  };
}
