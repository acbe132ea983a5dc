import { createHash } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Log } from '@verifywise/broker';
import { Catalogue, type RegistryListing } from '../catalogue/catalogue.ts';
import type { Listing } from '../catalogue/registry.ts';
import type { ListingCache, RegistryState, RegistryStore } from './hands.ts';
import type { RefreshOutcome, RefreshRegistry } from './refresh-registry.ts';

/** How fresh what we know of one registry is. */
export interface Freshness {
  name: string;
  version: string | null;
  updated: string | null;
  plugins: number;
  problems: number;
  stale: boolean;
  /** Since the registry last confirmed it; null before the first time. */
  ageSeconds: number | null;
  lastError: string | null;
}

/** The catalogue as it is now, from memory; other replicas' changes are seen within a second. */
export interface CurrentCatalogue {
  /** Throws REGISTRY_UNAVAILABLE when no registry could ever be fetched. */
  get(): Promise<Catalogue>;
  /** As of the last `get`. */
  freshness(): Freshness[];
  /** Fetches all registries that were last asked longer ago than this, whatever came of it; 0 fetches all. */
  refresh(olderThanMs: number): Promise<RefreshOutcome[]>;
  /** Forgets what is in memory: the registries have changed. */
  invalidate(): void;
}

interface Needs {
  store: RegistryStore;
  cache: ListingCache;
  refreshRegistry: RefreshRegistry;
  ttlMs: number;
  hostVersion: string;
  /** Called when there is another catalogue than before. */
  changed: () => void;
  log: Log;
}

/** Other replicas' refreshes are noticed this fast, for a small query now and then. */
const LOOK_EVERY_MS = 1000;
/** From here on the next request has it looked up without waiting for it. */
const LOOK_AHEAD_AFTER_MS = 500;
/** A registry that failed is left alone for so long, unless somebody asks for a refresh. */
const TRY_AGAIN_AFTER_MS = 30_000;
/** Who asks before the first listing is there waits this long for it. */
const FIRST_LISTING_WITHIN_MS = 8000;

export function createCurrentCatalogue(needs: Needs): CurrentCatalogue {
  const { store, cache, refreshRegistry, ttlMs, hostVersion, changed, log } = needs;
  let catalogue = new Catalogue([], hostVersion);
  let states: RegistryState[] = [];
  let listings = new Map<string, Listing>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  return {
    async get() {
      await look();
      const due = states.filter(isDue);
      // Nobody waits for a registry as long as another has something to show.
      if (catalogue.listings.length === 0 && due.length > 0) await firstOf(due);
      else void refreshAll(due).catch(warn);
      if (states.length > 0 && catalogue.listings.length === 0) throw unavailable(states);
      return catalogue;
    },
    freshness: () => states.map(freshnessOf),
    async refresh(olderThanMs) {
      // Also those that were added on another replica a moment ago.
      lookedAt = Number.NEGATIVE_INFINITY;
      await look();
      const outcomes = await refreshAll(states.filter((state) => sinceAsked(state) >= olderThanMs));
      lookedAt = Number.NEGATIVE_INFINITY;
      await look();
      return outcomes;
    },
    invalidate() {
      lookedAt = Number.NEGATIVE_INFINITY;
    },
  };

  function look(): Promise<void> {
    const since = performance.now() - lookedAt;
    if (since < LOOK_AHEAD_AFTER_MS) return Promise.resolve();
    looking ??= lookNow().finally(() => (looking = undefined));
    // Only a failure of the very first look rejects, and then somebody waits for it.
    return since < LOOK_EVERY_MS ? Promise.resolve() : looking;
  }

  async function lookNow(): Promise<void> {
    try {
      const seen = await store.states();
      await load(seen);
      states = seen;
    } catch (error) {
      // What is in memory is better than nothing while the database is away.
      if (lookedAt === Number.NEGATIVE_INFINITY && states.length === 0) throw error;
      log.warn({ err: error }, 'The registries could not be looked up; serving what is in memory');
    }
    lookedAt = performance.now();
  }

  async function load(seen: readonly RegistryState[]): Promise<void> {
    const before = new Map(
      states.map((state) => [state.registry.name, JSON.stringify([state.registry, state.digest])]),
    );
    const same =
      seen.length === states.length &&
      seen.every(({ registry, digest }) => before.get(registry.name) === JSON.stringify([registry, digest]));
    if (same) return;
    const loaded = new Map<string, Listing>();
    const parts: RegistryListing[] = [];
    for (const { registry, digest } of seen) {
      if (digest === null) continue;
      const known = listings.get(digest) ?? (await cache.get(digest));
      const found = known === undefined ? await storedListing(registry.name) : { digest, listing: known };
      if (found === undefined) continue;
      loaded.set(found.digest, found.listing);
      parts.push({ registry, listing: found.listing });
    }
    listings = loaded;
    catalogue = new Catalogue(parts, hostVersion, generationOf(seen));
    changed();
  }

  /** When it has been replaced meanwhile, it is newer than the one that is looked for. */
  async function storedListing(name: string): Promise<{ digest: string; listing: Listing } | undefined> {
    const stored = await store.listing(name);
    if (stored !== undefined) await cache.put(stored.digest, stored.listing);
    return stored;
  }

  function isDue({ checkedAgeMs, failedAgeMs }: RegistryState): boolean {
    const since = performance.now() - lookedAt;
    if (failedAgeMs !== null && failedAgeMs + since < TRY_AGAIN_AFTER_MS) return false;
    return checkedAgeMs === null || checkedAgeMs + since >= ttlMs;
  }

  async function firstOf(due: readonly RegistryState[]): Promise<void> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), FIRST_LISTING_WITHIN_MS);
    const listed = due.map(async ({ registry }) => {
      const { outcome, error } = await refreshRegistry(registry.name);
      if (outcome === 'failed') throw new Error(error);
    });
    // When all of them fail, what is stored of each says why.
    await Promise.race([Promise.any(listed).catch(() => undefined), late.promise]);
    clearTimeout(timer);
    lookedAt = Number.NEGATIVE_INFINITY;
    await look();
  }

  function refreshAll(due: readonly RegistryState[]): Promise<RefreshOutcome[]> {
    return Promise.all(due.map(({ registry }) => refreshRegistry(registry.name)));
  }

  function freshnessOf(state: RegistryState): Freshness {
    const { registry, plugins, problems, failedAgeMs, lastError } = state;
    const listing = catalogue.listings.find((one) => one.registry.name === registry.name)?.listing;
    const age = ageOf(state);
    return {
      name: registry.name,
      version: listing?.version ?? null,
      updated: listing?.updated ?? null,
      plugins,
      problems,
      stale: failedAgeMs !== null || age > ttlMs,
      ageSeconds: Number.isFinite(age) ? Math.round(age / 1000) : null,
      lastError: failedAgeMs === null ? null : lastError,
    };
  }

  function ageOf({ checkedAgeMs }: RegistryState): number {
    return checkedAgeMs === null ? Number.POSITIVE_INFINITY : checkedAgeMs + performance.now() - lookedAt;
  }

  function sinceAsked(state: RegistryState): number {
    const { failedAgeMs } = state;
    const sinceFailed = failedAgeMs === null ? Number.POSITIVE_INFINITY : failedAgeMs + performance.now() - lookedAt;
    return Math.min(ageOf(state), sinceFailed);
  }

  function warn(error: unknown): void {
    log.warn({ err: error }, 'A registry could not be refreshed');
  }
}

function unavailable(states: readonly RegistryState[]): PlatformError {
  const reasons = states.map(({ registry, lastError }) => `${registry.name}: ${lastError ?? 'still being fetched'}`);
  return new PlatformError('REGISTRY_UNAVAILABLE', `No registry could be fetched yet (${reasons.join('; ')})`, {
    details: { retryAfterSeconds: 5 },
  });
}

/** Of everything a catalogue is made of; a token is not part of it. */
function generationOf(states: readonly RegistryState[]): string {
  const made = states.map(({ registry: { sealedToken: _token, ...registry }, digest }) => [registry, digest]);
  return createHash('sha256').update(JSON.stringify(made)).digest('base64url');
}
