import type { Permission, PluginManifest } from '@verifywise/plugin-types';

/** The spec's words (S:60–88) and the steps between them (contract §4). */
export const pluginStates = [
  'registered',
  'installing',
  'installed',
  'loaded',
  'enabled',
  'disabled',
  'unloaded',
  'updating',
  'uninstalling',
  'uninstalled',
  'error',
] as const;
export type PluginState = (typeof pluginStates)[number];

/** What the tenant's admin wants; runners converge to it. */
export type DesiredState = 'enabled' | 'disabled' | 'absent';

/** A secret as it is stored and as it travels: only PLUGIN_SECRETS_KEY opens it (contract §5). */
export interface SealedConfig {
  values: Record<string, unknown>;
  /** Field → sealed value; the sealing is service-kit's. */
  secrets: Record<string, string>;
}

/** Which bytes a plugin's code is. */
export interface PackageRef {
  /** `sha256:<hex>` of the stored, normalised package; its name in the package store. */
  digest: string;
  /** Bytes of the stored package. */
  size: number;
}

/**
 * One plugin of one tenant as the runners must know it. The installer owns it; runners keep a projection.
 * `generation` grows with every change; a lower one never replaces a higher one.
 */
export interface Installation {
  tenant: string;
  pluginId: string;
  version: string;
  package: PackageRef;
  manifest: PluginManifest;
  granted: Permission[];
  config: SealedConfig;
  state: PluginState;
  desired: DesiredState;
  generation: number;
}
