import { mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Installation } from '@verifywise/contracts';
import { makeOwnFolder } from './own-folder.ts';

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
  async forIsolate({ tenant, pluginId, granted }: Pick<Installation, 'tenant' | 'pluginId' | 'granted'>) {
    if (!granted.includes('filesystem:read') && !granted.includes('filesystem:write')) return null;
    const folder = this.#folderOf(tenant, pluginId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Removes the plugin's folder and all in it. */
  async remove(tenant: string, pluginId: string): Promise<void> {
    await rm(this.#folderOf(tenant, pluginId), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  #folderOf(tenant: string, pluginId: string): string {
    return join(this.#root, tenant, pluginId);
  }
}
