import { createHash } from 'node:crypto';
import { writtenArchive } from './written-archive.ts';

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
  files: Record<string, string | Buffer> = { 'index.js': 'module.exports = {};' },
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
  const bytes = writtenArchive(Object.entries(all).map(([name, content]) => ({ name, content: Buffer.from(content) })));
  return { id: manifest.id, version: manifest.version, bytes, checksum: checksumOf(bytes), manifest: whole };
}

/** As registries write it. */
export function checksumOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
