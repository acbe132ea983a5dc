import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PlatformError } from '@verifywise/contracts';
import { readListing } from '../catalogue/read-listing.ts';
import type { ListingCache, RefreshLease, RegistrySource, RegistryStore } from './hands.ts';

/** How one refresh ended. */
export interface RefreshOutcome {
  registry: string;
  outcome: 'refreshed' | 'unchanged' | 'failed';
  plugins: number;
  quarantined: number;
  error?: string;
}

export type RefreshRegistry = (name: string) => Promise<RefreshOutcome>;

interface Needs {
  store: RegistryStore;
  cache: ListingCache;
  source: RegistrySource;
  /** Longer than a fetch with all its redirects may take; after that another replica may try. */
  leaseMs: number;
}

const PAUSE_BETWEEN_LOOKS_MS = 100;

/** Fetches a registry anew. Of all replicas one does it; the others wait for its result. Never rejects because the registry failed. */
export function createRefreshRegistry({ store, cache, source, leaseMs }: Needs): RefreshRegistry {
  const underway = new Map<string, Promise<RefreshOutcome>>();
  return (name) => {
    const running = underway.get(name) ?? refresh(name).finally(() => underway.delete(name));
    underway.set(name, running);
    return running;
  };

  async function refresh(name: string): Promise<RefreshOutcome> {
    const lease = await store.lease(name, leaseMs);
    if (lease === undefined) return outcomeOfAnother(name);
    try {
      return await fetchUnder(lease);
    } catch (error) {
      const message = error instanceof PlatformError ? error.message : `${name} could not be refreshed`;
      await lease.fail(message);
      if (!(error instanceof PlatformError)) throw error;
      return outcomeNow(name, 'failed');
    }
  }

  async function fetchUnder(lease: RefreshLease): Promise<RefreshOutcome> {
    const { registry, validators } = lease;
    const fetched = await source.fetch(registry, validators);
    if (fetched.kind === 'unchanged') {
      await lease.unchanged(validators);
      return outcomeNow(registry.name, 'unchanged');
    }
    const listing = await readListing(fetched.document, registry);
    const digest = createHash('sha256').update(JSON.stringify(listing)).digest('hex');
    // Not every server knows that what it sends is what it sent before.
    if (digest === lease.digest) {
      await lease.unchanged(fetched.validators);
      return outcomeNow(registry.name, 'unchanged');
    }
    await cache.put(digest, listing);
    await lease.succeed(listing, digest, fetched.validators);
    return outcomeNow(registry.name, 'refreshed');
  }

  async function outcomeOfAnother(name: string): Promise<RefreshOutcome> {
    const deadline = Date.now() + leaseMs;
    while (Date.now() < deadline) {
      const state = (await store.states()).find(({ registry }) => registry.name === name);
      if (state?.refreshing !== true) break;
      await pause(PAUSE_BETWEEN_LOOKS_MS);
    }
    return outcomeNow(name, 'unchanged');
  }

  async function outcomeNow(name: string, outcome: RefreshOutcome['outcome']): Promise<RefreshOutcome> {
    const state = (await store.states()).find(({ registry }) => registry.name === name);
    if (state === undefined) throw new PlatformError('REGISTRY_NOT_FOUND', `There is no registry ${name}`);
    const failed = state.failedAgeMs !== null;
    return {
      registry: name,
      outcome: failed ? 'failed' : outcome,
      plugins: state.plugins,
      quarantined: state.problems,
      ...(failed && state.lastError !== null ? { error: state.lastError } : {}),
    };
  }
}
