import { packPlugin, type PackedPlugin } from './pack-plugin.ts';
import { PluginFolderError } from './plugin-folder-error.ts';
import {
  addressesBelow,
  registryDocument,
  type RegistryAddresses,
  type RegistryDocument,
} from './registry-document.ts';

export interface BuiltRegistry {
  document: RegistryDocument;
  packages: PackedPlugin[];
  /** Folders, or packages, that were left out, with the reason. */
  refused: RefusedFolder[];
}

export interface RefusedFolder {
  folder: string;
  error: PluginFolderError;
}

/**
 * Packs these folders and lists them as they can be fetched below `baseUrl`. A folder that cannot be packed is left out with
 * its reason, so that one broken plugin does not take the others with it.
 */
export function buildRegistry(folders: readonly string[], baseUrl: string, now = new Date()): Promise<BuiltRegistry> {
  return registryOf(folders, packPlugin, addressesBelow(baseUrl), now);
}

/** Lists what becomes of these paths; one of which nothing becomes is left out with its reason. */
export async function registryOf(
  paths: readonly string[],
  packedFrom: (path: string) => Promise<PackedPlugin>,
  addresses: RegistryAddresses,
  now: Date,
): Promise<BuiltRegistry> {
  const packages: PackedPlugin[] = [];
  const refused: RefusedFolder[] = [];
  const folderOf = new Map<string, string>();
  // One after the other: esbuild is quick, and the machine has other things to start at this moment.
  for (const path of paths) {
    try {
      const packed = await packedFrom(path);
      const taken = folderOf.get(packed.fileName);
      if (taken !== undefined) throw sameVersionTwice(packed, taken);
      folderOf.set(packed.fileName, packed.folder);
      packages.push(packed);
    } catch (error) {
      if (!(error instanceof PluginFolderError)) throw error;
      refused.push({ folder: path, error });
    }
  }
  return { document: registryDocument(packages, addresses, now), packages, refused };
}

function sameVersionTwice({ folder, manifest }: PackedPlugin, taken: string): PluginFolderError {
  const { id, version } = manifest;
  return new PluginFolderError(folder, [`${taken} is ${id} ${version} as well; give one of them another version`]);
}
