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
/** Everybody who looks at a page asks for an icon that cannot be had; its server is asked this often at most. */
const FAILED_FOR_MS = 60_000;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface Attempt {
  icon: Promise<Buffer>;
  /** Set once it has failed. */
  failedAt?: number;
}

/** Icons come from our own origin and are PNG by their bytes, whatever their sender calls them: an image that is markup could run scripts. */
export function pluginIcons(cache: IconCache, now: () => number = () => performance.now()): PluginIcons {
  // By what the catalogue offers now: another catalogue knows of no failure, and there are never more than plugins.
  const attempts = new WeakMap<CataloguePlugin, Attempt>();
  return async (offered) => {
    const { id, icon } = offered.plugin;
    if (icon === undefined) throw new PlatformError('NOT_FOUND', `The plugin ${id} has no icon`);
    return (await cache.get(icon)) ?? attemptAt(offered, icon).icon;
  };

  /** The one under way, or that has failed a moment ago; otherwise a new one. */
  function attemptAt(offered: CataloguePlugin, address: string): Attempt {
    const last = attempts.get(offered);
    if (last !== undefined && (last.failedAt === undefined || now() - last.failedAt < FAILED_FOR_MS)) return last;
    const attempt: Attempt = { icon: fetched(offered, address) };
    attempts.set(offered, attempt);
    attempt.icon.then(
      () => attempts.delete(offered),
      () => (attempt.failedAt = now()),
    );
    return attempt;
  }

  async function fetched({ plugin: { id }, registry }: CataloguePlugin, address: string): Promise<Buffer> {
    const response = await guardedFetch(address, registry, { deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES });
    if (response.status !== 200) {
      response.discard();
      throw new PlatformError('NOT_FOUND', `The icon of ${id} is not at its address`);
    }
    const bytes = await response.bytes();
    if (!bytes.subarray(0, PNG.length).equals(PNG))
      throw new PlatformError('NOT_FOUND', `The icon of ${id} is not a PNG`);
    await cache.put(address, bytes);
    return bytes;
  }
}
