import { checksumOf } from '../package/take-in.ts';
import { writeArchive } from '../package/write-archive.ts';

/** A small plugin as a zip. */
export interface PluginArchive {
  id: string;
  version: string;
  bytes: Buffer;
  checksum: string;
  manifest: Record<string, unknown>;
}

/** The zip of a plugin with this manifest, complete but for what is given; further files by their name. */
export function pluginArchive(
  manifest: Record<string, unknown> & { id: string; version: string },
  files: Record<string, string> = { 'index.js': 'module.exports = {};' },
): PluginArchive {
  const whole = {
    name: manifest.id,
    description: 'A plugin of the tests',
    author: { name: 'VerifyWise' },
    type: 'feature',
    tags: [],
    permissions: [],
    ...manifest,
  };
  const all = { ...files, 'manifest.json': JSON.stringify(whole) };
  const bytes = writeArchive(new Map(Object.entries(all).map(([name, text]) => [name, Buffer.from(text)])));
  return { id: manifest.id, version: manifest.version, bytes, checksum: checksumOf(bytes), manifest: whole };
}
