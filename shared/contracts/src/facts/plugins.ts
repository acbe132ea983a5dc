import type { PluginState } from '../installation.ts';
import { fact } from '../messages.ts';

/** What every fact about one plugin of one tenant says; the tenant is the envelope's. */
export interface PluginFact {
  pluginId: string;
  version: string;
  state: PluginState;
  generation: number;
}

export const PluginInstalled = fact<PluginFact>('plugin.installed');
export const PluginUpdated = fact<PluginFact & { fromVersion: string }>('plugin.updated');
export const PluginRolledBack = fact<PluginFact & { fromVersion: string }>('plugin.rolled_back');
export const PluginUninstalled = fact<PluginFact & { dataDeleted: boolean }>('plugin.uninstalled');
export const PluginConfigChanged = fact<PluginFact & { fields: string[] }>('plugin.config_changed');
export const PluginPermissionsChanged = fact<PluginFact>('plugin.permissions_changed');

/** The four lifecycle events plugins may hear (S:17.3); `timestamp` as in every event payload. */
export interface LifecycleEventPayload extends PluginFact {
  timestamp: string;
}
export const PluginLoaded = fact<LifecycleEventPayload>('plugin.loaded');
export const PluginUnloaded = fact<LifecycleEventPayload>('plugin.unloaded');
export const PluginEnabled = fact<LifecycleEventPayload>('plugin.enabled');
export const PluginDisabled = fact<LifecycleEventPayload>('plugin.disabled');

/** Why an enabled plugin failed outside a handler that reports its own errors (contract §4). */
export interface PluginFailure {
  pluginId: string;
  version: string;
  generation: number;
  reason: 'exit' | 'signal' | 'memory' | 'hang' | 'hook-timeout' | 'unhandled' | 'hook' | 'load';
  /** The hook or handler that ran, when one did. */
  during?: string;
  message: string;
  stack?: string;
}
/** Published by the runner; the installer alerts the admin, and disables the plugin or has it started again. */
export const PluginFailed = fact<PluginFailure>('plugin.failed');

/** `critical`: a plugin was disabled. `warning`: something failed, and the plugin runs again as before. */
export type AlertSeverity = 'warning' | 'critical';

/** Published by the installer for admins: something needs their eyes. */
export const PluginAlert = fact<{
  pluginId: string;
  version: string;
  message: string;
  severity: AlertSeverity;
  /** What an admin can do about it (S:14.4). */
  suggestedFix?: string;
  failure?: PluginFailure;
}>('plugin.alert');

/** Published by the runner when what a plugin offers has changed. */
export const SurfaceChanged = fact<{ pluginId: string; generation: number }>('plugin.surface_changed');
