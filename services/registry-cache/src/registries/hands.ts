import type { Listing, Registry } from '../catalogue/registry.ts';
import type { RegistryAction, RegistryActor } from './registry-audit.ts';

/** A registry with what is known of its last fetches; ages are the database's, so replicas agree on them. */
export interface RegistryState {
  registry: Registry;
  /** Names the listing that is stored; null before the first. */
  digest: string | null;
  plugins: number;
  problems: number;
  /** Milliseconds since the registry last confirmed the listing. */
  checkedAgeMs: number | null;
  /** Milliseconds since the last attempt that failed, when no later one succeeded. */
  failedAgeMs: number | null;
  lastError: string | null;
  /** Somebody fetches it at this moment. */
  refreshing: boolean;
}

/** What the registry sent with its last document, so that it need not send it again. */
export interface Validators {
  etag: string | null;
  lastModified: string | null;
}

/** Where registries and their listings are kept for good. Each change adds its entry to the audit log: both happen, or neither. */
export interface RegistryStore {
  /** In order of precedence: verified ones first, then as they were added. */
  states(): Promise<RegistryState[]>;
  listing(name: string): Promise<{ digest: string; listing: Listing } | undefined>;
  /** Throws CONFLICT when there is one of this name. */
  add(registry: Registry, actor: RegistryActor): Promise<void>;
  /**
   * Makes it what `change` says, with what is stored locked meanwhile; from then on the settings no longer say what it is. It is to be
   * fetched anew, and a refresh under way counts for nothing. False when there is none of this name.
   */
  change(
    name: string,
    change: (stored: Registry) => Registry,
    by: { action: RegistryAction; actor: RegistryActor },
  ): Promise<boolean>;
  /**
   * Adds, adjusts and removes registries that come from the settings, which are made in sight of what is stored; what was changed or
   * removed by API since is left alone.
   */
  keepSettings(wanted: (stored: ReadonlyMap<string, Registry>) => readonly Registry[]): Promise<void>;
  /** Keeps the token sealed otherwise, unless it has become another one meanwhile. */
  resealToken(name: string, from: string, to: string): Promise<void>;
  /** False when there is none of this name. */
  remove(name: string, actor: RegistryActor): Promise<boolean>;
  /** The right to refresh a registry for a while; undefined when somebody else has it. */
  lease(name: string, forMs: number): Promise<RefreshLease | undefined>;
}

/** One refresh. Nothing is written any more once the right has passed to somebody else. */
export interface RefreshLease {
  registry: Registry;
  validators: Validators;
  /** Of the listing that is stored; null before the first. */
  digest: string | null;
  /** Stores the listing and tells of it (RegistryRefreshed); false when the right was lost. */
  succeed(listing: Listing, digest: string, validators: Validators): Promise<boolean>;
  /** The listing is confirmed, by whatever the registry sent with it. */
  unchanged(validators: Validators): Promise<void>;
  fail(message: string): Promise<void>;
}

/** Listings by digest, shared by the replicas; all of it can be lost. */
export interface ListingCache {
  get(digest: string): Promise<Listing | undefined>;
  put(digest: string, listing: Listing): Promise<void>;
}

export type Fetched = { kind: 'unchanged' } | { kind: 'document'; document: unknown; validators: Validators };

/** The registries' own servers. */
export interface RegistrySource {
  /** Rejects with REGISTRY_UNAVAILABLE or REGISTRY_INVALID. */
  fetch(registry: Registry, validators: Validators): Promise<Fetched>;
  forget(name: string): void;
}
