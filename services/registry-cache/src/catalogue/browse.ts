import type { PluginType } from '@verifywise/plugin-types';
import type { Catalogue, CataloguePlugin } from './catalogue.ts';
import { flagsOf, type InstalledById, type InstalledFlags } from './installed-flags.ts';

export const sortings = ['relevance', 'name', '-name', 'type', '-type'] as const;

export interface BrowseQuery {
  type?: PluginType;
  tag?: string;
  search?: string;
  installed?: 'true' | 'false' | 'updates';
  sort?: (typeof sortings)[number];
  page: number;
  limit: number;
}

export interface Offer extends CataloguePlugin {
  flags: InstalledFlags;
}

/** The plugins a tenant asked for, in order: one page of them and how many there are. */
export function browse(
  catalogue: Catalogue,
  installed: InstalledById,
  hostVersion: string,
  query: BrowseQuery,
): { offers: Offer[]; total: number } {
  const found = sorted(catalogue, matching(catalogue, installed, hostVersion, query), query.sort);
  const first = (query.page - 1) * query.limit;
  const offers = found.slice(first, first + query.limit).flatMap((place) => {
    const one = catalogue.plugins[place];
    return one === undefined ? [] : [{ ...one, flags: flagsOf(one.plugin, installed, hostVersion) }];
  });
  return { offers, total: found.length };
}

/** Places of the plugins that fit, by relevance, or by name when nothing is searched for. */
function matching(
  catalogue: Catalogue,
  installed: InstalledById,
  hostVersion: string,
  { search = '', type, tag, installed: wanted }: BrowseQuery,
): number[] {
  const searched = search.trim() === '' ? catalogue.plugins.keys() : catalogue.search(search);
  const sets: ReadonlySet<number>[] = [];
  if (type !== undefined) sets.push(catalogue.ofType(type));
  if (tag !== undefined) sets.push(catalogue.withTag(tag));
  if (wanted === 'true') sets.push(placesOf(catalogue, installed, () => true));
  if (wanted === 'updates')
    sets.push(placesOf(catalogue, installed, ({ plugin }) => flagsOf(plugin, installed, hostVersion).hasUpdate));
  const without = wanted === 'false' ? placesOf(catalogue, installed, () => true) : undefined;
  const found: number[] = [];
  for (const place of searched) {
    if (sets.every((set) => set.has(place)) && without?.has(place) !== true) found.push(place);
  }
  return found;
}

function placesOf(
  catalogue: Catalogue,
  installed: InstalledById,
  isWanted: (one: CataloguePlugin) => boolean,
): Set<number> {
  const places = new Set<number>();
  for (const id of installed.keys()) {
    const place = catalogue.placeOf(id);
    const one = place === undefined ? undefined : catalogue.plugins[place];
    if (place !== undefined && one !== undefined && isWanted(one)) places.add(place);
  }
  return places;
}

/** A place says where a name stands among all names, so nothing is compared by its letters here. */
function sorted({ plugins }: Catalogue, found: number[], by: BrowseQuery['sort']): number[] {
  const typeAt = (place: number): string => plugins[place]?.plugin.type ?? '';
  const byType = (a: number, b: number): number => (typeAt(a) < typeAt(b) ? -1 : Number(typeAt(a) > typeAt(b)));
  if (by === 'name') return found.sort((a, b) => a - b);
  if (by === '-name') return found.sort((a, b) => b - a);
  if (by === 'type') return found.sort((a, b) => byType(a, b) || a - b);
  if (by === '-type') return found.sort((a, b) => byType(b, a) || a - b);
  return found;
}
