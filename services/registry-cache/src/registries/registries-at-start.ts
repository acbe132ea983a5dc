import type { Log } from '@verifywise/broker';
import type { Registry } from '../catalogue/registry.ts';
import type { RegistryStore } from './hands.ts';
import { newRegistry, type RegistryRequest } from './new-registry.ts';
import type { TokenSeal } from './token-seal.ts';

/** Makes what is stored what the settings say, and seals tokens with the newest key. */
export async function keepSettings(
  store: RegistryStore,
  requests: readonly RegistryRequest[],
  tokens: TokenSeal,
  log: Log,
): Promise<void> {
  await store.keepSettings((stored) =>
    requests.map((request) => fromSettings(request, stored.get(request.name), tokens)),
  );
  for (const { registry } of await store.states()) await renewToken(store, registry, tokens, log);
}

/** The same token sealed again looks like another, so it keeps its seal. */
function fromSettings(request: RegistryRequest, stored: Registry | undefined, tokens: TokenSeal): Registry {
  const registry = newRegistry(request, tokens.seal);
  const isSame = stored !== undefined && tokenIn(stored, tokens) === request.token;
  return isSame ? { ...registry, sealedToken: stored.sealedToken } : registry;
}

function tokenIn(registry: Registry, tokens: TokenSeal): string | undefined {
  try {
    return tokens.open(registry);
  } catch {
    // Its key is gone: whatever it was, it is to be sealed anew.
    return undefined;
  }
}

async function renewToken(store: RegistryStore, registry: Registry, tokens: TokenSeal, log: Log): Promise<void> {
  const { name, sealedToken } = registry;
  try {
    const renewed = tokens.renewed(registry);
    if (renewed === undefined || sealedToken === null) return;
    await store.resealToken(name, sealedToken, renewed);
    log.info({ registry: name }, 'The token of the registry is sealed with the newest key now');
  } catch (error) {
    log.error(
      { err: error, registry: name },
      'The token of the registry cannot be opened; give the registry its token again',
    );
  }
}
