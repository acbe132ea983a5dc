import { PlatformError } from '@verifywise/contracts';
import type { EntryProblem, Registry } from '../catalogue/registry.ts';
import type { CurrentCatalogue, Freshness } from './current-catalogue.ts';
import type { RegistrySource, RegistryStore } from './hands.ts';
import {
  changedRegistry,
  newRegistry,
  replacedRegistry,
  type RegistryChange,
  type RegistryReplacement,
  type RegistryRequest,
} from './new-registry.ts';
import type { RefreshRegistry } from './refresh-registry.ts';
import type { RegistryAction, RegistryActor } from './registry-audit.ts';
import type { TokenSeal } from './token-seal.ts';

/** A registry as operators see it: the token only by whether there is one. */
export type RegistryView = Omit<Registry, 'sealedToken'> & { tokenSet: boolean } & Pick<
    Freshness,
    'plugins' | 'problems' | 'stale' | 'ageSeconds' | 'lastError'
  >;

/** What operators do with registries. What is added or changed is fetched at once, and shown with how that went. */
export interface ManageRegistries {
  list(): Promise<RegistryView[]>;
  find(name: string): Promise<RegistryView>;
  add(request: RegistryRequest, actor: RegistryActor): Promise<RegistryView>;
  change(name: string, change: RegistryChange, actor: RegistryActor): Promise<RegistryView>;
  replace(name: string, replacement: RegistryReplacement, actor: RegistryActor): Promise<RegistryView>;
  remove(name: string, actor: RegistryActor): Promise<void>;
  problems(name: string): Promise<EntryProblem[]>;
}

interface Needs {
  store: RegistryStore;
  source: RegistrySource;
  current: CurrentCatalogue;
  refreshRegistry: RefreshRegistry;
  seal: TokenSeal['seal'];
}

export function createManageRegistries({ store, source, current, refreshRegistry, seal }: Needs): ManageRegistries {
  return {
    list: views,
    find: view,
    async add(request, actor) {
      const registry = newRegistry(request, seal);
      await store.add(registry, actor);
      await refreshRegistry(registry.name);
      return view(registry.name);
    },
    change: (name, change, actor) =>
      changed(name, (stored) => changedRegistry(stored, change, seal), { action: 'change', actor }),
    replace: (name, replacement, actor) =>
      changed(name, (stored) => replacedRegistry(stored, replacement, seal), { action: 'replace', actor }),
    async remove(name, actor) {
      if (!(await store.remove(name, actor))) throw notFound(name);
      source.forget(name);
      current.invalidate();
    },
    async problems(name) {
      await view(name);
      return (await current.get()).problemsOf(name);
    },
  };

  async function changed(
    name: string,
    change: (stored: Registry) => Registry,
    by: { action: RegistryAction; actor: RegistryActor },
  ): Promise<RegistryView> {
    if (!(await store.change(name, change, by))) throw notFound(name);
    await refreshRegistry(name);
    // One that was under way as the change came counts for nothing, and this one only waited for it.
    if (!(await wasTried(name))) await refreshRegistry(name);
    return view(name);
  }

  async function wasTried(name: string): Promise<boolean> {
    const state = (await store.states()).find(({ registry }) => registry.name === name);
    return state === undefined || state.checkedAgeMs !== null || state.failedAgeMs !== null;
  }

  async function view(name: string): Promise<RegistryView> {
    const found = (await views()).find((one) => one.name === name);
    if (found === undefined) throw notFound(name);
    return found;
  }

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

function notFound(name: string): PlatformError {
  return new PlatformError(
    'REGISTRY_NOT_FOUND',
    `There is no registry ${name}; GET /api/marketplace/registries lists them`,
  );
}
