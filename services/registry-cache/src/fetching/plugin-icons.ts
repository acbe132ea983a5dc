import { PlatformError } from '@verifywise/contracts';
import type { CataloguePlugin } from '../catalogue/catalogue.ts';
import { guardedFetch } from './guarded-fetch.ts';

/** Icons by their address, shared by the replicas; all of it can be lost. */
export interface IconCache {
  get(address: string): Promise<Buffer | undefined>;
  put(address: string, png: Buffer): Promise<void>;
}

/** Gives a plugin's icon; throws NOT_FOUND when it has none that can be shown. */
export type PluginIcons = (plugin: CataloguePlugin) => Promise<Buffer>;

/** An icon is 64×64 (S:8.4); this is room for a careless one. */
const MAX_BYTES = 256 * 1024;
const DEADLINE_MS = 5_000;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Icons come from our own origin and are PNG by their bytes, whatever their sender calls them: an image that is markup could run scripts. */
export function pluginIcons(cache: IconCache): PluginIcons {
  return async ({ plugin, registry }) => {
    const { id, icon } = plugin;
    if (icon === undefined) throw new PlatformError('NOT_FOUND', `The plugin ${id} has no icon`);
    const cached = await cache.get(icon);
    if (cached !== undefined) return cached;
    const response = await guardedFetch(icon, registry, { deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES });
    if (response.status !== 200) {
      response.discard();
      throw new PlatformError('NOT_FOUND', `The icon of ${id} is not at its address`);
    }
    const bytes = await response.bytes();
    if (!bytes.subarray(0, PNG.length).equals(PNG))
      throw new PlatformError('NOT_FOUND', `The icon of ${id} is not a PNG`);
    await cache.put(icon, bytes);
    return bytes;
  };
}
