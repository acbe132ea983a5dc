import { parseVersion, type RegistryEntry } from '@verifywise/contracts';
import { allowedHostsOf } from './allowed-url.ts';
import type { EntryProblem, ListedPlugin, ListedVersion, Listing, Registry } from './registry.ts';
import { relevance, searchWordsOf, type SearchWords } from './search.ts';

/** A plugin as the marketplace offers it: which registry it comes from is settled. */
export interface CataloguePlugin {
  plugin: ListedPlugin;
  registry: Registry;
}

export interface RegistryListing {
  registry: Registry;
  listing: Listing;
}

/** Searches repeat while somebody types and between tenants, so their rankings are kept. */
const KEPT_SEARCHES = 200;

/** Everything that all registries list, as one. Does not change: a new listing makes a new catalogue. */
export class Catalogue {
  readonly listings: readonly RegistryListing[];
  /** By name. */
  readonly plugins: readonly CataloguePlugin[];
  readonly #byId = new Map<string, CataloguePlugin>();
  readonly #words = new Map<string, SearchWords>();
  readonly #searches = new Map<string, readonly CataloguePlugin[]>();
  readonly #hidden: (EntryProblem & { registry: string })[] = [];

  /** The order of the listings decides which registry an id belongs to: nobody can take over a name that was there before. */
  constructor(listings: readonly RegistryListing[]) {
    this.listings = listings;
    for (const { registry, listing } of listings) {
      for (const plugin of listing.plugins) {
        const taken = this.#byId.get(plugin.id);
        if (taken === undefined) this.#add({ plugin, registry });
        else this.#hide(plugin.id, registry, taken.registry);
      }
    }
    this.plugins = [...this.#byId.values()].sort((a, b) => a.plugin.name.localeCompare(b.plugin.name, 'en'));
  }

  find(id: string): CataloguePlugin | undefined {
    return this.#byId.get(id);
  }

  /** Best first. */
  search(text: string): readonly CataloguePlugin[] {
    const kept = this.#searches.get(text);
    if (kept !== undefined) return kept;
    const found = this.plugins
      .map((one) => ({ one, fits: relevance(this.#wordsOf(one), text) }))
      .filter(({ fits }) => fits > 0)
      .sort((a, b) => b.fits - a.fits)
      .map(({ one }) => one);
    if (this.#searches.size >= KEPT_SEARCHES) this.#searches.clear();
    this.#searches.set(text, found);
    return found;
  }

  /** Entries of a registry that are not offered, because an earlier registry has the id, or because they are broken. */
  problemsOf(registry: string): EntryProblem[] {
    const own = this.listings.find((one) => one.registry.name === registry)?.listing.problems ?? [];
    const hidden = this.#hidden.filter((one) => one.registry === registry);
    return [...own, ...hidden.map(({ plugin, reason }) => ({ plugin, reason }))];
  }

  #add(one: CataloguePlugin): void {
    this.#byId.set(one.plugin.id, one);
    this.#words.set(one.plugin.id, searchWordsOf(one.plugin));
  }

  #hide(plugin: string, { name }: Registry, owner: Registry): void {
    this.#hidden.push({ registry: name, plugin, reason: `The registry ${owner.name} has a plugin with this id` });
  }

  #wordsOf({ plugin }: CataloguePlugin): SearchWords {
    return this.#words.get(plugin.id) ?? searchWordsOf(plugin);
  }
}

/** The version that is asked for, or the one that is shown. */
export function versionOf({ versions, version: shown }: ListedPlugin, wanted?: string): ListedVersion | undefined {
  const version = wanted === undefined ? shown : parseVersion(wanted);
  return versions.find((one) => one.version === version);
}

/** One version in the words of the other services. */
export function registryEntry(
  { plugin, registry }: CataloguePlugin,
  { download, ...version }: ListedVersion,
): RegistryEntry {
  const { versions: _all, version: _shown, ...about } = plugin;
  const { name, verified, local, sealedToken } = registry;
  const allowedHosts = allowedHostsOf(registry);
  return {
    ...about,
    ...version,
    downloadUrl: download,
    registry: name,
    verified,
    local,
    allowedHosts,
    ...(sealedToken === null ? {} : { needsToken: true }),
  };
}
