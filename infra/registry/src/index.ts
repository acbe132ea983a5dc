export { buildRegistry, type BuiltRegistry, type RefusedFolder } from './build-registry.ts';
export { findPluginFolders } from './plugin-folders.ts';
export { packPlugin, type PackedPlugin } from './pack-plugin.ts';
export { PluginFolderError } from './plugin-folder-error.ts';
export type { RegistryDocument, RegistryPlugin, RegistryVersion } from './registry-document.ts';
export { serveRegistry, type ServedRegistry } from './serve-registry.ts';
