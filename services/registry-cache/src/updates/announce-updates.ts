import type { Log } from '@verifywise/broker';
import type { TenantPlugins, UpdateAvailable } from '@verifywise/contracts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { flagsOf, installedById, type InstalledById } from '../catalogue/installed-flags.ts';
import type { InstalledPlugins } from '../installed/installed-plugins.ts';
import type { CurrentCatalogue } from '../registries/current-catalogue.ts';
import type { AllTenants, AnnouncedUpdates } from './hands.ts';

/** Tells tenants of updates: each of a plugin and version once, whichever replica finds it. None of it rejects: what could not be done now is done by a later sweep. */
export interface AnnounceUpdates {
  /** Something of this tenant has changed. */
  lookAt(tenant: string): Promise<void>;
  /** Looks at all tenants when that is due; one replica does it. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

interface Needs {
  current: Pick<CurrentCatalogue, 'get'>;
  installed: Pick<InstalledPlugins, 'of'>;
  announced: AnnouncedUpdates;
  allTenants: AllTenants;
  hostVersion: string;
  log: Log;
}

/** What no fact told us of is found by looking again; a page of a hundred tenants is one question. */
const LOOK_AGAIN_MS = 60_000;
/** Longer than looking at all tenants takes; after that another replica may begin. */
const SWEEP_WITHIN_MS = 120_000;

export function createAnnounceUpdates(needs: Needs): AnnounceUpdates {
  const { current, installed, announced, allTenants, hostVersion, log } = needs;
  let closed = false;
  let sweeping: Promise<void> | undefined;
  return {
    async lookAt(tenant) {
      try {
        const { plugins } = await installed.of(tenant);
        await announce(await current.get(), tenant, plugins);
      } catch (error) {
        log.debug({ err: error, tenant }, 'Whether the tenant has updates is seen later');
      }
    },
    sweep() {
      if (closed) return Promise.resolve();
      sweeping ??= sweepOnce()
        .catch((error: unknown) => log.warn({ err: error }, 'Tenants could not be told of updates; trying again'))
        .finally(() => (sweeping = undefined));
      return sweeping;
    },
    async close() {
      closed = true;
      await sweeping;
    },
  };

  async function sweepOnce(): Promise<void> {
    const catalogue = await current.get();
    // Which update there is depends on what is listed and on the host it is to run on.
    const sweep = await announced.beginSweep(`${hostVersion} ${catalogue.generation}`, LOOK_AGAIN_MS, SWEEP_WITHIN_MS);
    if (sweep === undefined) return;
    try {
      for await (const tenants of allTenants()) {
        for (const { tenant, plugins } of tenants) await announce(catalogue, tenant, installedById(plugins));
        if (closed) throw new Error('This process is stopping');
      }
      await sweep.finished();
    } catch (error) {
      await sweep.failed();
      if (!closed) throw error;
    }
  }

  async function announce(catalogue: Catalogue, tenant: string, installed: InstalledById): Promise<void> {
    const updates = updatesFor(catalogue, installed, hostVersion);
    if (updates.length === 0) return;
    const told = await announced.announce(tenant, updates);
    if (told > 0) log.info({ tenant, updates: told }, 'The tenant was told of updates');
  }
}

function updatesFor(catalogue: Catalogue, installed: InstalledById, hostVersion: string): UpdateAvailable[] {
  return [...installed.keys()].flatMap((id) => {
    const found = catalogue.find(id);
    if (found === undefined) return [];
    const { hasUpdate, installedVersion } = flagsOf(found.plugin, installed, hostVersion);
    if (!hasUpdate || installedVersion === null) return [];
    return [{ pluginId: id, version: found.plugin.version, installedVersion, registry: found.registry.name }];
  });
}

/** All pages of a listing that is asked for page by page. */
export async function* everyTenant(
  ask: (after: string | undefined) => Promise<{ tenants: TenantPlugins[]; next?: string }>,
): AsyncGenerator<TenantPlugins[], void, undefined> {
  let after: string | undefined;
  do {
    const { tenants, next } = await ask(after);
    yield tenants;
    after = next;
  } while (after !== undefined);
}
