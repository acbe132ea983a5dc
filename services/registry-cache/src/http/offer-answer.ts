import { checkCompatibility } from '@verifywise/contracts';
import type { Offer } from '../catalogue/browse.ts';
import { versionOf, type CataloguePlugin } from '../catalogue/catalogue.ts';
import type { InstalledFlags } from '../catalogue/installed-flags.ts';

/** A plugin of the marketplace as clients get it (S:18.2). `download` is what they send back to install it. */
export function offerAnswer({ flags, ...offered }: Offer, hostVersion: string): Record<string, unknown> {
  return { ...listedAnswer(offered, hostVersion), ...flags };
}

/** The part that is the same for every tenant. */
function listedAnswer({ plugin, registry }: CataloguePlugin, hostVersion: string): Record<string, unknown> {
  const { id, name, description, version, author, type, tags, homepage, repository, support, icon } = plugin;
  const { download, checksum, permissions, compatibility, dependencies } = versionOf(plugin) ?? {};
  return {
    ...{ id, name, description, version, author, homepage, repository, support, type, tags },
    // Browsers ask us for it: a registry's own address would tell it who looks, and could be markup.
    icon: icon === undefined ? null : `/api/marketplace/${id}/icon`,
    ...{ download, checksum, permissions, compatibility, dependencies },
    compatible: compatibility !== undefined && checkCompatibility(hostVersion, compatibility).compatible,
    registry: registry.name,
    verified: registry.verified,
  };
}

/** Writes offers as JSON; what is the same for every tenant is written once for as long as the catalogue stays. */
export function offerWriter(hostVersion: string): (offer: Offer, from: CataloguePlugin) => string {
  const written = new WeakMap<CataloguePlugin, string>();
  return ({ flags }, from) => {
    let listed = written.get(from);
    if (listed === undefined) {
      listed = JSON.stringify(listedAnswer(from, hostVersion)).slice(0, -1);
      written.set(from, listed);
    }
    return `${listed},${flagsText(flags)}}`;
  };
}

function flagsText(flags: InstalledFlags): string {
  return JSON.stringify(flags).slice(1, -1);
}
