import type { Router } from 'express';
import type { PluginContext } from './context.ts';
import type { EventHandlers } from './events.ts';
import type { FilterHandlers } from './filters.ts';
import type { UiExtensions } from './widgets.ts';
import type { Webhooks } from './webhooks.ts';

/** A step in a plugin's life. A hook that throws stops the step; see each hook for what follows. */
export type LifecycleHook = (context: PluginContext) => void | Promise<void>;

/**
 * What the entry file of a plugin exports, as `export default plugin`, `module.exports = plugin` or `exports.plugin` (S:4.4).
 * Everything is optional: a package with only a manifest is a plugin too.
 *
 * Hooks have 30 s each, `onInstall` 120 s (contract §4); taking longer counts as throwing.
 */
export interface Plugin {
  /** A copy of manifest.json, which is the truth: a different id or version here is an error. */
  manifest?: EmbeddedManifest;

  /** After the first installation and after every update, never on a restart. Throwing undoes the installation or the update. */
  onInstall?: LifecycleHook;
  /** Before the code is removed; `context.options.deleteData` says whether to delete data. */
  onUninstall?: LifecycleHook;
  /** After installation, at every start, and when another runner takes over. Throwing marks the plugin as in error. */
  onLoad?: LifecycleHook;
  /** Before uninstall, before an update, and when the runner stops. Nothing of the plugin runs afterwards. */
  onUnload?: LifecycleHook;
  /** When an admin enables the plugin, and after `onLoad` while it is enabled. Throwing disables the plugin. */
  onEnable?: LifecycleHook;
  /** When the plugin is disabled, or before an update. Event handlers are gone afterwards, also without being removed here. */
  onDisable?: LifecycleHook;

  /**
   * Called once when the plugin is loaded, with an Express router mounted at `/api/plugins/{id}`; reached only while it is enabled.
   * Requests carry `tenantId`, `userId` and `role` (see `PluginRequest`); JSON bodies are parsed up to 15 MB.
   */
  routes?(router: Router): void;
  /** Endpoints for senders outside of the platform, by name. */
  webhooks?(): Webhooks;
  /** Handlers by event name, registered before `onEnable`. Needs `events:listen`. */
  eventHandlers?(): EventHandlers;
  /** Handlers by filter name, added with priority 10 before `onEnable`. Needs `filters:add`. */
  filterHandlers?(): FilterHandlers;

  uiExtensions?: UiExtensions;
}

/** A manifest given in code; only its id and version are looked at. */
export interface EmbeddedManifest {
  id: string;
  version: string;
  [field: string]: unknown;
}
