import { chmod, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Permission } from '@verifywise/plugin-types';
import { makeOwnFolder } from './own-folder.ts';

/** Whose folder it is. */
export interface FolderOwner {
  tenant: string;
  pluginId: string;
  /** Of this stay of the plugin in this runner: what an earlier one left may still be on its way out. */
  stay: string;
}

/** One folder per tenant and plugin to read from and write to, kept while this runner hosts the plugin. */
export class ScratchFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes this process's own root below `scratch`. */
  static async open(scratch: string): Promise<ScratchFolders> {
    // Node's permission model compares real paths.
    return new ScratchFolders(await realpath(await makeOwnFolder(scratch, 'files')));
  }

  /** The plugin's folder, made when it is not there; null for a plugin that may neither read nor write files. */
  async forIsolate(owner: FolderOwner, granted: readonly Permission[]): Promise<string | null> {
    if (!granted.includes('filesystem:read') && !granted.includes('filesystem:write')) return null;
    const folder = this.#folderOf(owner);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Removes the plugin's folder and all in it. */
  async remove(owner: FolderOwner): Promise<void> {
    const folder = this.#folderOf(owner);
    await rm(folder, { recursive: true, force: true }).catch(async () => {
      // A plugin may have closed its own folders to everybody, itself included.
      await openToOwner(folder);
      await rm(folder, { recursive: true, force: true });
    });
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  #folderOf({ tenant, pluginId, stay }: FolderOwner): string {
    return join(this.#root, tenant, `${pluginId}-${stay}`);
  }
}

async function openToOwner(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openToOwner(join(folder, entry.name));
  }
}
