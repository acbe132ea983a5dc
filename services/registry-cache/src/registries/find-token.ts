import type { RegistryToken } from '@verifywise/contracts';
import type { Registry } from '../catalogue/registry.ts';
import type { RegistryStore } from './hands.ts';

interface Needs extends Pick<RegistryStore, 'states'> {
  open: (registry: Registry) => string | undefined;
}

export type FindToken = (wanted: { registry: string }) => Promise<RegistryToken | null>;

/** The token of a registry with the only origin that may see it; null when it has none. */
export function createFindToken({ states, open }: Needs): FindToken {
  return async ({ registry: name }) => {
    const registry = (await states()).find(({ registry: { name: known } }) => known === name)?.registry;
    const value = registry === undefined ? undefined : open(registry);
    const origin = registry === undefined ? undefined : URL.parse(registry.url)?.origin;
    return value === undefined || origin === undefined ? null : { value, origin };
  };
}
