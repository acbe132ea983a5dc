import { packPlugin, type PackedPlugin } from './pack-plugin.ts';
import { PluginFolderError } from './plugin-folder-error.ts';
import { registryDocument, type RegistryDocument } from './registry-document.ts';

export interface BuiltRegistry {
  document: RegistryDocument;
  packages: PackedPlugin[];
  /** Folders that were left out, with the reason. */
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
export async function buildRegistry(
  folders: readonly string[],
  baseUrl: string,
  now = new Date(),
): Promise<BuiltRegistry> {
  const packages: PackedPlugin[] = [];
  const refused: RefusedFolder[] = [];
  const folderOf = new Map<string, string>();
  // One after the other: esbuild is quick, and the machine has other things to start at this moment.
  for (const folder of folders) {
    try {
      const packed = await packPlugin(folder);
      const taken = folderOf.get(packed.fileName);
      if (taken !== undefined) throw sameVersionTwice(packed, taken);
      folderOf.set(packed.fileName, packed.folder);
      packages.push(packed);
    } catch (error) {
      if (!(error instanceof PluginFolderError)) throw error;
      refused.push({ folder, error });
    }
  }
  return { document: registryDocument(packages, baseUrl, now), packages, refused };
}

function sameVersionTwice({ folder, manifest }: PackedPlugin, taken: string): PluginFolderError {
  const { id, version } = manifest;
  return new PluginFolderError(folder, [`${taken} is ${id} ${version} as well; give one of them another version`]);
}
