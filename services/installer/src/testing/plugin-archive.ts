import { createHash } from 'node:crypto';
import { writtenArchive, type WrittenEntry } from './written-archive.ts';

/** A small plugin as a zip. */
export interface PluginArchive {
  id: string;
  version: string;
  bytes: Buffer;
  checksum: string;
  manifest: Record<string, unknown>;
}

/** A file that was compressed already. */
type PackedFile = Required<Pick<WrittenEntry, 'content' | 'data'>>;

/** The zip of a plugin with this manifest, complete but for what is given; further files by their name. */
export function pluginArchive(
  manifest: Record<string, unknown> & { id: string; version: string },
  files: Record<string, string | PackedFile> = { 'index.js': 'module.exports = {};' },
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
  const all: typeof files = { ...files, 'manifest.json': JSON.stringify(whole) };
  const entries = Object.entries(all).map(([name, file]) =>
    typeof file === 'string' ? { name, content: Buffer.from(file) } : { name, ...file },
  );
  const bytes = writtenArchive(entries);
  return { id: manifest.id, version: manifest.version, bytes, checksum: checksumOf(bytes), manifest: whole };
}

/** As registries write it. */
export function checksumOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
