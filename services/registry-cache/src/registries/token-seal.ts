import type { SecretBox } from '@verifywise/service-kit';
import type { OpenToken } from '../fetching/registry-source.ts';
import type { SealToken } from './manage-registries.ts';

/** Registries belong to the whole platform, so their tokens are bound to none of its tenants: no tenant has this name. */
export const placeOfToken = (registry: string) => ({ tenant: '*', pluginId: registry, field: 'registry-token' });

/** Tokens of registries are stored sealed, like plugins' secrets. */
export function tokenSeal(box: SecretBox | undefined): { seal: SealToken; open: OpenToken } {
  return {
    seal: box === undefined ? undefined : (token, registry) => box.seal(token, placeOfToken(registry)),
    open: ({ name, sealedToken }) =>
      sealedToken === null || box === undefined ? undefined : box.open(sealedToken, placeOfToken(name)),
  };
}
