import { createHash } from 'node:crypto';
import { PlatformError, readManifest } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import { byteSize } from '../byte-size.ts';
import type { NewPackage } from '../store/package-store.ts';
import type { PackageLimits } from './package-limits.ts';
import { transpileEntry } from './transpile.ts';
import { unpack, type PackageFiles } from './unpack.ts';
import { writeArchive } from './write-archive.ts';

const LARGEST_MANIFEST = 1024 * 1024;

/** An archive from outside as a package of ours: checked, unwrapped, transpiled, and written anew the same way every time. */
export async function takeIn(archive: Buffer, limits: PackageLimits): Promise<Omit<NewPackage, 'builtin'>> {
  const files = await unpack(archive, limits);
  const { manifest, warnings } = manifestIn(files);
  if (!files.has('index.js') && files.has('index.ts')) files.set('index.js', await transpileEntry(files));
  return { bytes: writeArchive(files), manifest, warnings, sourceChecksum: checksumOf(archive) };
}

export function checksumOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function manifestIn(files: PackageFiles): { manifest: PluginManifest; warnings: string[] } {
  const bytes = files.get('manifest.json');
  if (bytes === undefined) throw new PlatformError('MANIFEST_MISSING', 'The package has no manifest.json at its root');
  const reading = readManifest(parsed(bytes), 'install');
  if (!reading.ok) {
    const shown = reading.issues.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new PlatformError('MANIFEST_INVALID', `manifest.json is not valid: ${shown}`, {
      details: { issues: reading.issues },
    });
  }
  return { manifest: reading.manifest, warnings: reading.warnings.map(({ path, message }) => `${path} ${message}`) };
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length > LARGEST_MANIFEST) {
    throw new PlatformError('MANIFEST_INVALID', `manifest.json is larger than ${byteSize(LARGEST_MANIFEST)}`);
  }
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new PlatformError('MANIFEST_INVALID', 'manifest.json is not JSON', { cause: error });
  }
}
