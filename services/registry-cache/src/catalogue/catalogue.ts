import { newestToInstall, parseVersion, type RegistryEntry } from '@verifywise/contracts';
import type { PluginType } from '@verifywise/plugin-types';
import { allowedHostsOf } from './allowed-url.ts';
import type { EntryProblem, ListedPlugin, ListedVersion, Listing, Registry } from './registry.ts';
import { SearchIndex } from './search.ts';

/** A plugin as the marketplace offers it: which registry it comes from is settled. */
export interface CataloguePlugin {
  plugin: ListedPlugin;
  registry: Registry;
}

export interface RegistryListing {
  registry: Registry;
  listing: Listing;
}

/** Everything that all registries list, as one. Does not change: a new listing makes a new catalogue. */
export class Catalogue {
  /** The same for catalogues that list the same, in every replica. */
  readonly generation: string;
  readonly listings: readonly RegistryListing[];
  /** By name; a plugin's place here stands for it everywhere else. */
  readonly plugins: readonly CataloguePlugin[];
  readonly #places = new Map<string, number>();
  readonly #byType: ReadonlyMap<PluginType, ReadonlySet<number>>;
  readonly #byTag: ReadonlyMap<string, ReadonlySet<number>>;
  readonly #index: SearchIndex;
  readonly #hidden: (EntryProblem & { registry: string })[] = [];

  /**
   * The order of the listings decides which registry an id belongs to: nobody can take over a name that was there before. Each plugin is
   * shown in the version that this host would install.
   */
  constructor(listings: readonly RegistryListing[], hostVersion: string, generation = '') {
    this.generation = generation;
    this.listings = listings;
    const byId = new Map<string, CataloguePlugin>();
    for (const { registry, listing } of listings) {
      for (const plugin of listing.plugins) {
        const taken = byId.get(plugin.id);
        if (taken === undefined) byId.set(plugin.id, { plugin: shownTo(hostVersion, plugin), registry });
        else this.#hide(plugin.id, registry, taken.registry);
      }
    }
    const { compare } = new Intl.Collator('en');
    this.plugins = [...byId.values()].sort(
      (a, b) => compare(a.plugin.name, b.plugin.name) || compare(a.plugin.id, b.plugin.id),
    );
    for (const [place, { plugin }] of this.plugins.entries()) this.#places.set(plugin.id, place);
    this.#byType = placesBy(this.plugins, ({ type }) => [type]);
    this.#byTag = placesBy(this.plugins, ({ tags }) => tags.map((tag) => tag.toLowerCase()));
    this.#index = new SearchIndex(this.plugins.map(({ plugin }) => plugin));
  }

  find(id: string): CataloguePlugin | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.plugins[place];
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  /** Best first. */
  search(text: string): readonly number[] {
    return this.#index.search(text);
  }

  ofType(type: PluginType): ReadonlySet<number> {
    return this.#byType.get(type) ?? new Set();
  }

  /** In whatever capitals. */
  withTag(tag: string): ReadonlySet<number> {
    return this.#byTag.get(tag.toLowerCase()) ?? new Set();
  }

  /** Entries of a registry that are not offered, because an earlier registry has the id, or because they are broken. */
  problemsOf(registry: string): EntryProblem[] {
    const own = this.listings.find((one) => one.registry.name === registry)?.listing.problems ?? [];
    const hidden = this.#hidden.filter((one) => one.registry === registry);
    return [...own, ...hidden.map(({ plugin, reason }) => ({ plugin, reason }))];
  }

  #hide(plugin: string, { name }: Registry, owner: Registry): void {
    this.#hidden.push({ registry: name, plugin, reason: `The registry ${owner.name} has a plugin with this id` });
  }
}

function shownTo(hostVersion: string, plugin: ListedPlugin): ListedPlugin {
  const version = newestToInstall(plugin.versions, hostVersion)?.version ?? plugin.version;
  return version === plugin.version ? plugin : { ...plugin, version };
}

function placesBy<Key extends string>(
  plugins: readonly CataloguePlugin[],
  keysOf: (plugin: ListedPlugin) => readonly Key[],
): Map<Key, Set<number>> {
  const places = new Map<Key, Set<number>>();
  for (const [place, { plugin }] of plugins.entries()) {
    for (const key of keysOf(plugin)) {
      const known = places.get(key);
      if (known === undefined) places.set(key, new Set([place]));
      else known.add(place);
    }
  }
  return places;
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
