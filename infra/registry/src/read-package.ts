import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeIssues, PlatformError } from '@verifywise/contracts';
import { PackageFiles } from '../../../services/installer/src/package/package-files.ts';
import { contractLimits } from '../../../services/installer/src/package/package-limits.ts';
import { withScratchFile } from '../../../services/installer/src/package/scratch-file.ts';
import type { PackedPlugin } from './pack-plugin.ts';
import { PluginFolderError } from './plugin-folder-error.ts';
import { checkPublishedFiles } from './published-files.ts';

const LOOKED_AT: readonly string[] = ['manifest.json', 'icon.png', 'CHANGELOG.md', 'README.md'];
const LOOKED_AT_WITHIN_MS = 60_000;

/**
 * A package that somebody has packed already, read as the installer reads it: what is listed can be installed.
 * Throws PluginFolderError with everything that is wrong with it.
 */
export async function readPackage(path: string): Promise<PackedPlugin> {
  const bytes = await readFile(path);
  const { files, paths, checksum } = await filesIn(path, bytes);
  const checked = checkPublishedFiles({
    'manifest.json': files.get('manifest.json'),
    'icon.png': files.get('icon.png'),
    'CHANGELOG.md': files.get('CHANGELOG.md'),
    'README.md': files.get('README.md'),
  });
  const ofCode = codeIssues(paths).map(({ message, hint }) => `${message}. ${hint}`);
  if (!checked.ok) throw new PluginFolderError(path, [...checked.problems, ...ofCode]);
  if (ofCode.length > 0) throw new PluginFolderError(path, ofCode);
  const { manifest, changes } = checked;
  return {
    folder: path,
    fileName: `${manifest.id}-${manifest.version}.zip`,
    bytes,
    checksum,
    manifest,
    icon: checked.files['icon.png'],
    changelog: changes,
  };
}

interface Contents {
  files: ReadonlyMap<string, Buffer>;
  paths: string[];
  checksum: string;
}

/** Every file is inflated to be checked; those that are looked at here are kept. */
async function filesIn(path: string, bytes: Buffer): Promise<Contents> {
  if (bytes.length > contractLimits.downloadBytes) {
    throw new PluginFolderError(path, [
      `The package has ${bytes.length} bytes; ${contractLimits.downloadBytes} are allowed`,
    ]);
  }
  try {
    return await withScratchFile(join(tmpdir(), 'verifywise-packages'), async (archive) => {
      await archive.append(bytes);
      const packed = await PackageFiles.open(archive, contractLimits, AbortSignal.timeout(LOOKED_AT_WITHIN_MS));
      const files = new Map<string, Buffer>();
      for (const path of packed.paths) {
        if (LOOKED_AT.includes(path)) files.set(path, await packed.read(path));
        else await packed.check(path);
      }
      return { files, paths: packed.paths, checksum: archive.checksum };
    });
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PluginFolderError(path, [`${error.message} (${error.code})`], { cause: error });
  }
}
