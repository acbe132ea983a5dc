import type { PluginDatabase } from './database.ts';
import type { EventName, EventPayloads } from './event-payloads.ts';
import type { EventHandler, EventOptions } from './events.ts';
import type { FilterData, FilterHandler, FilterName, FilterPayloads } from './filters.ts';
import type { PluginManifest } from './manifest.ts';
import type { MetadataApi } from './metadata.ts';
import type { MiddlewareApi } from './middleware.ts';
import type { ModelApi } from './models.ts';
import type { SchedulerApi } from './scheduler.ts';
import type { WebhookVerification } from './webhooks.ts';

/**
 * Everything the platform offers a plugin (contract §1). It stays valid from `onLoad` to the end of `onUnload`, so a plugin may
 * keep it in a variable and use it from routes and timers. Everything in it concerns one tenant: `context.tenant`.
 *
 * What needs a permission that was not granted throws (or rejects with) an error whose `code` is `PERMISSION_DENIED`.
 */
export interface PluginContext {
  readonly pluginId: string;
  /** The tenant that everything here concerns. */
  readonly tenant: string;
  /** `manifest.json` of the version that runs. */
  readonly manifest: PluginManifest;
  /** About the hook that runs now; absent outside of `onInstall` and `onUninstall`. */
  readonly options?: HookOptions;
  readonly logger: PluginLogger;
  readonly config: PluginConfig;
  readonly metadata: MetadataApi;
  /** SQL on tables of the plugin's own, and on the platform's views. */
  readonly db: PluginDatabase;
  /** The same tables, said as models. */
  readonly models: ModelApi;
  readonly scheduler: SchedulerApi;
  /** Handlers around the platform's own routes. */
  readonly middleware: MiddlewareApi;
  /** Whether a webhook comes from whom it says. */
  readonly webhooks: WebhookVerification;
  /** Requests to the internet. */
  readonly http: PluginHttpClient;

  /**
   * Has `handler` called for every event of this name from now on. Needs `events:listen`. Registering the same handler for the
   * same event again changes nothing. All handlers are gone after disable: register them in `onEnable`.
   */
  on<Name extends EventName>(event: Name, handler: EventHandler<EventPayloads[Name]>, options?: EventOptions): void;
  on(event: string, handler: EventHandler, options?: EventOptions): void;

  /** Ends what `on` began; does nothing for a handler that is not registered. */
  off<Name extends EventName>(event: Name, handler: EventHandler<EventPayloads[Name]>): void;
  off(event: string, handler: EventHandler): void;

  /**
   * Publishes an event of the plugin's own, for instance `plugin:my-plugin:synced`. Needs `events:emit`.
   * Resolves once it is stored safely; every plugin of the tenant that listens gets it at least once.
   * The names of the platform's own events are refused with code `EVENT_INVALID`.
   */
  emit(event: string, payload: Record<string, unknown>): Promise<void>;

  /**
   * Has `handler` change the data of every filter of this name. Needs `filters:add`. Lower priorities run first, over all plugins of
   * the tenant; equal ones in the order they were added. Adding the same handler to the same filter again changes its priority.
   */
  addFilter<Name extends FilterName>(
    filter: Name,
    handler: FilterHandler<FilterPayloads[Name]>,
    priority?: number,
  ): void;
  addFilter(filter: string, handler: FilterHandler, priority?: number): void;

  /** Ends what `addFilter` began; does nothing for a handler that was not added. */
  removeFilter<Name extends FilterName>(filter: Name, handler: FilterHandler<FilterPayloads[Name]>): void;
  removeFilter(filter: string, handler: FilterHandler): void;

  /**
   * The data after every handler that any plugin of this tenant has added for this filter. Rejects with code `FILTER_INVALID` when the
   * data is no plain object or has more than 5 MB as JSON, and when a filter goes on applying itself.
   */
  applyFilters<Data extends FilterData>(filter: string, data: Data): Promise<Data>;

  /** Whether another plugin of this tenant is enabled now. */
  isPluginEnabled(pluginId: string): Promise<boolean>;
}

/** HTTP to the outside. */
export interface PluginHttpClient {
  /**
   * The same guarded `fetch` as the global one. Needs `http:outbound`. Addresses of this machine, of private networks and of cloud
   * metadata are refused after the name was resolved, with code `EGRESS_REFUSED`, unless the operator allows them.
   */
  readonly fetch: typeof fetch;
}

/** Why a hook runs (S:5.4, 5.1). */
export interface HookOptions {
  /** In `onInstall`: the first installation, or an update. */
  readonly reason?: 'install' | 'update';
  /** In `onInstall` for an update: the version before. */
  readonly fromVersion?: string;
  /** In `onUninstall`: whether the admin asked for the plugin's data to be deleted. */
  readonly deleteData?: boolean;
}

/** Lines for the plugin's log, which admins read. An Error is a fine `meta`: its stack is kept. */
export interface PluginLogger {
  debug(message: string, meta?: unknown): void;
  info(message: string, meta?: unknown): void;
  warn(message: string, meta?: unknown): void;
  error(message: string, meta?: unknown): void;
}

/** The plugin's settings in this tenant. Reads are live: a changed setting is seen by the next read. */
export interface PluginConfig {
  /**
   * The stored value, else the manifest's default, else `fallback`. Needs `config:read`.
   * An optional setting with none of the three is undefined, whatever `Value` says: give a fallback.
   */
  get<Value>(key: string, fallback?: Value): Value;
  /**
   * Checks the value against the manifest, encrypts it when it is a secret, and resolves once it is stored. Needs `config:write`.
   * A value that does not fit rejects with code `CONFIG_INVALID`.
   */
  set(key: string, value: unknown): Promise<void>;
  /** Every setting, defaults included. Needs `config:read`. */
  getAll(): Record<string, unknown>;
}
