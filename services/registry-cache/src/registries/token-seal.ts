import type { SecretBox } from '@verifywise/service-kit';
import type { Registry } from '../catalogue/registry.ts';

/** Registries belong to the whole platform, so their tokens are bound to none of its tenants: no tenant has this name. */
export const placeOfToken = (registry: string) => ({ tenant: '*', pluginId: registry, field: 'registry-token' });

/** Tokens of registries are stored sealed, like plugins' secrets. */
export interface TokenSeal {
  /** Undefined when there is no key to seal with. */
  seal: ((token: string, registry: string) => string) | undefined;
  /** The token of a registry that has one. */
  open(registry: Pick<Registry, 'name' | 'sealedToken'>): string | undefined;
  /** Sealed with the newest key; undefined when it is already. */
  renewed(registry: Pick<Registry, 'name' | 'sealedToken'>): string | undefined;
}

export function tokenSeal(box: SecretBox | undefined): TokenSeal {
  return {
    seal: box === undefined ? undefined : (token, registry) => box.seal(token, placeOfToken(registry)),
    open: ({ name, sealedToken }) =>
      sealedToken === null || box === undefined ? undefined : box.open(sealedToken, placeOfToken(name)),
    renewed: ({ name, sealedToken }) =>
      sealedToken === null || box?.needsRewrap(sealedToken) !== true
        ? undefined
        : box.rewrap(sealedToken, placeOfToken(name)),
  };
}
