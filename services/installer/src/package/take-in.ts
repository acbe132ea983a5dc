import {
  codeIssues,
  packageFileIssues,
  PlatformError,
  pluginEntries,
  readManifest,
  type ManifestIssue,
} from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import type { ReceivedArchive } from '../installation/hands.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { assertManifestSize, manifestJson } from './manifest-file.ts';
import { PackageFiles } from './package-files.ts';
import type { PackageLimits } from './package-limits.ts';
import type { ScratchFile } from './scratch-file.ts';
import { transpileEntry } from './transpile.ts';

/** An icon has 64×64 pixels, and nobody reads a changelog of more. */
const LARGEST_READ = 1024 * 1024;
/** 200 MB are inflated in a few seconds; what takes longer was made to take long. */
const DEADLINE_MS = 120_000;

export interface TakenIn {
  manifest: PluginManifest;
  /** Without code, a plugin is its manifest. */
  hasCode: boolean;
  warnings: string[];
}

/**
 * An archive from outside as a package of ours: every byte checked, unwrapped, translated, and written anew into `made`. The
 * same archive makes the same package each time.
 */
export async function takeIn(archive: ReceivedArchive, made: ScratchFile, limits: PackageLimits): Promise<TakenIn> {
  const files = await PackageFiles.open(archive, limits, AbortSignal.timeout(DEADLINE_MS));
  const writer = new ArchiveWriter(made);
  const translated = !files.has('index.js') && files.has('index.ts') ? ['index.js'] : [];
  for (const path of [...files.paths, ...translated].sort()) {
    if (files.has(path)) {
      await files.check(path);
      const entry = files.entry(path);
      await writer.add(path, entry, archive, entry.dataAt);
    } else await writer.addBytes(path, await transpileEntry(files));
  }
  const { manifest, warnings } = await manifestIn(files);
  await writer.finish();
  const hasCode = translated.length > 0 || pluginEntries.some((entry) => files.has(entry));
  const issues = [...warnings, ...codeIssues(files.paths), ...(await filesBeside(manifest, files))];
  return { manifest, hasCode, warnings: issues.map(inWords) };
}

async function manifestIn(files: PackageFiles): Promise<{ manifest: PluginManifest; warnings: ManifestIssue[] }> {
  if (!files.has('manifest.json')) {
    throw new PlatformError('MANIFEST_MISSING', 'The package has no manifest.json at its root');
  }
  assertManifestSize(files.entry('manifest.json').size);
  const reading = readManifest(manifestJson(await files.read('manifest.json')), 'install');
  if (reading.ok) return reading;
  const shown = reading.issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new PlatformError('MANIFEST_INVALID', `manifest.json is not valid: ${shown}`, {
    details: { issues: reading.issues },
  });
}

/** What is missing beside manifest and code only informs an admin (contract §3). */
async function filesBeside({ version }: PluginManifest, files: PackageFiles): Promise<ManifestIssue[]> {
  const contentOf = async (path: string) =>
    files.has(path) && files.entry(path).size <= LARGEST_READ ? await files.read(path) : undefined;
  return packageFileIssues(version, {
    'icon.png': await contentOf('icon.png'),
    'CHANGELOG.md': await contentOf('CHANGELOG.md'),
    'README.md': await contentOf('README.md'),
  });
}

function inWords({ path, message, hint }: ManifestIssue): string {
  return `${path === '' ? '' : `${path} `}${message}. ${hint}`;
}
