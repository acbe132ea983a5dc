export { effectiveConfig, missingConfig, MOST_CONFIG_CHARACTERS, validateConfig } from './config-values.ts';
export type { ConfigFields, ConfigIssue, ConfigRule } from './config-values.ts';
export { dotted, isSecretField, joinConfig, splitConfig } from './config-secrets.ts';
export type { SecretPlace } from './config-secrets.ts';
export type { ManifestIssue } from './issue.ts';
export { storableIssues } from './storable.ts';
export { permissionsNamed } from './older-spellings.ts';
export { pluginEntries } from './plugin-entries.ts';
export { isPluginId, reservedPluginIds } from './plugin-id.ts';
export { readManifest } from './read-manifest.ts';
export type { ManifestReading } from './read-manifest.ts';
export { offeredInManifest, readUiExtensions } from './ui-extensions.ts';
export type { OfferedUi, UiReading } from './ui-extensions.ts';
export { manifestSchema } from './schema.ts';
export type { ManifestProfile } from './schema.ts';
export {
  checkCompatibility,
  compareVersions,
  isVersionRange,
  newestToInstall,
  parseVersion,
  satisfies,
} from './versions.ts';
export type { Compatibility } from './versions.ts';
