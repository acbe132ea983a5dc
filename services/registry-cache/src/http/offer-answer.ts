import { checkCompatibility } from '@verifywise/contracts';
import type { Offer } from '../catalogue/browse.ts';
import { versionOf } from '../catalogue/catalogue.ts';

/** A plugin of the marketplace as clients get it (S:18.2). `download` is what they send back to install it. */
export function offerAnswer({ plugin, registry, flags }: Offer, hostVersion: string): Record<string, unknown> {
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
    ...flags,
  };
}
