import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For tests: a folder of plugins that are copies of the minimal test plugin, to be broken or changed. */
export class PluginsOnDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<PluginsOnDisk> {
    return new PluginsOnDisk(await mkdtemp(join(tmpdir(), 'verifywise-plugins-')));
  }

  /** A valid plugin at this path, with `changes` made to its manifest. */
  async add(path: string, changes: Record<string, unknown> = {}): Promise<string> {
    const folder = join(this.folder, path);
    await cp(minimalPlugin, folder, { recursive: true });
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as object;
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...changes }, null, 2));
    return folder;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const minimalPlugin = join(import.meta.dirname, '../../../plugins/builtin/minimal-test-plugin');
