import { PlatformError } from '@verifywise/contracts';
import { whyRefused } from '../catalogue/allowed-url.ts';
import type { EntryProblem, Registry } from '../catalogue/registry.ts';
import type { CurrentCatalogue, Freshness } from './current-catalogue.ts';
import type { RegistrySource, RegistryStore } from './hands.ts';
import type { RefreshRegistry } from './refresh-registry.ts';

/** A registry as operators see it: the token only by whether there is one. */
export type RegistryView = Omit<Registry, 'sealedToken'> & { tokenSet: boolean } & Pick<
    Freshness,
    'plugins' | 'problems' | 'stale' | 'ageSeconds' | 'lastError'
  >;

export interface RegistryRequest {
  name: string;
  url: string;
  token?: string;
  verified?: boolean;
  local?: boolean;
  allowedHosts?: string[];
}

/** Adding, listing and removing registries. */
export interface ManageRegistries {
  list(): Promise<RegistryView[]>;
  add(request: RegistryRequest): Promise<RegistryView>;
  remove(name: string): Promise<void>;
  problems(name: string): Promise<EntryProblem[]>;
}

interface Needs {
  store: RegistryStore;
  source: RegistrySource;
  current: CurrentCatalogue;
  refreshRegistry: RefreshRegistry;
  seal: SealToken;
}

/** Undefined when there is no key to seal with. */
export type SealToken = ((token: string, registry: string) => string) | undefined;

/** Where GitHub's releases and raw files come from (contract §3). */
export const DEFAULT_HOSTS = ['github.com', '*.githubusercontent.com'];

export function createManageRegistries({ store, source, current, refreshRegistry, seal }: Needs): ManageRegistries {
  return {
    list: views,
    async add(request) {
      const registry = newRegistry(request, seal);
      await store.add(registry);
      await refreshRegistry(registry.name);
      const added = (await views()).find(({ name }) => name === registry.name);
      if (added === undefined) throw notFound(registry.name);
      return added;
    },
    async remove(name) {
      if (!(await store.remove(name))) throw notFound(name);
      source.forget(name);
      current.invalidate();
    },
    async problems(name) {
      const known = await store.states();
      if (!known.some(({ registry }) => registry.name === name)) throw notFound(name);
      return (await current.get()).problemsOf(name);
    },
  };

  async function views(): Promise<RegistryView[]> {
    current.invalidate();
    await current.get().catch(unlessUnavailable);
    const fresh = new Map(current.freshness().map((one) => [one.name, one]));
    return (await store.states()).map(({ registry: { sealedToken, ...shown }, plugins, problems, lastError }) => {
      const { stale = true, ageSeconds = null } = fresh.get(shown.name) ?? {};
      return { ...shown, tokenSet: sealedToken !== null, plugins, problems, stale, ageSeconds, lastError };
    });
  }
}

/** The list of registries is just what is needed when none of them answers. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof PlatformError) || error.code !== 'REGISTRY_UNAVAILABLE') throw error;
}

export function newRegistry(request: RegistryRequest, seal: SealToken): Registry {
  const { name, url, token, verified = false, local = false, allowedHosts = DEFAULT_HOSTS } = request;
  const refused = whyRefused(url, { url, local, allowedHosts });
  if (refused !== undefined)
    throw new PlatformError('VALIDATION_FAILED', `The registry's url cannot be used: ${refused}`);
  if (token !== undefined && seal === undefined) {
    throw new PlatformError('CONFLICT', 'A token cannot be kept here: PLUGIN_SECRETS_KEY is not set for this service');
  }
  return {
    name,
    url,
    verified,
    local,
    allowedHosts,
    sealedToken: token === undefined ? null : (seal?.(token, name) ?? null),
  };
}

function notFound(name: string): PlatformError {
  return new PlatformError('REGISTRY_NOT_FOUND', `There is no registry ${name}`);
}
