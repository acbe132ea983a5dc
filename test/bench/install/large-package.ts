import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { pluginArchive, type PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';

const MB = 1024 * 1024;
/** Text that deflate makes a quarter smaller, as code that was minified already. */
const PACKED_PART = 0.755;

export interface PackageShape {
  files: number;
  /** Of the zip, nearly. */
  megabytes: number;
}

/** Versions 1.0.0, 1.0.1, … of one plugin, each an archive of its own of that shape. */
export function largePackages(id: string, { files, megabytes }: PackageShape, versions: number): PluginArchive[] {
  const bytes = Math.floor(((megabytes * MB) / files / PACKED_PART) * 0.99);
  const contents = Array.from({ length: files - 2 }, (_, number) => {
    const content = Buffer.from(randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64'));
    return [`lib/file-${number}.js`, { content, data: deflateRawSync(content) }] as const;
  });
  return Array.from({ length: versions }, (_, patch) =>
    pluginArchive(
      { id, version: `1.0.${patch}` },
      { ...Object.fromEntries(contents), 'index.js': `module.exports = {}; // ${patch}` },
    ),
  );
}
