import type { PluginType } from '@verifywise/plugin-types';
import type { Catalogue, CataloguePlugin } from './catalogue.ts';
import { flagsOf, type InstalledById, type InstalledFlags } from './installed-flags.ts';

export const sortings = ['name', '-name', 'type', 'relevance'] as const;

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
  const { search, type, tag, page, limit } = query;
  const searched = search === undefined || search.trim() === '' ? catalogue.plugins : catalogue.search(search);
  const wantedTag = tag?.toLowerCase();
  const found = searched
    .filter(({ plugin }) => type === undefined || plugin.type === type)
    .filter(({ plugin }) => wantedTag === undefined || plugin.tags.some((one) => one.toLowerCase() === wantedTag))
    .map((one) => ({ ...one, flags: flagsOf(one.plugin, installed, hostVersion) }))
    .filter(({ flags }) => isWanted(flags, query.installed));
  const sorted = sort(found, query.sort);
  return { offers: sorted.slice((page - 1) * limit, page * limit), total: found.length };
}

function isWanted(flags: InstalledFlags, wanted: BrowseQuery['installed']): boolean {
  if (wanted === undefined) return true;
  return wanted === 'updates' ? flags.hasUpdate : flags.installed === (wanted === 'true');
}

/** What was found is by relevance already, or by name when nothing was searched for. */
function sort(offers: Offer[], by: BrowseQuery['sort']): Offer[] {
  const byName = (a: Offer, b: Offer): number => a.plugin.name.localeCompare(b.plugin.name, 'en');
  if (by === 'name') return offers.toSorted(byName);
  if (by === '-name') return offers.toSorted((a, b) => byName(b, a));
  if (by === 'type') return offers.toSorted((a, b) => a.plugin.type.localeCompare(b.plugin.type) || byName(a, b));
  return offers;
}
