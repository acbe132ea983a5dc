import { compareVersions } from '@verifywise/contracts';
import type { PluginCompatibility, PluginManifest } from '@verifywise/plugin-types';
import type { PackedPlugin } from './pack-plugin.ts';

/** `registry.json` (S:8.3). */
export interface RegistryDocument {
  version: string;
  /** When it was made, ISO 8601. */
  generated: string;
  plugins: RegistryPlugin[];
}

/** A plugin in its newest version, and beside it every version there is. */
export interface RegistryPlugin extends Pick<
  PluginManifest,
  | 'id'
  | 'name'
  | 'description'
  | 'version'
  | 'author'
  | 'homepage'
  | 'repository'
  | 'support'
  | 'type'
  | 'tags'
  | 'permissions'
  | 'compatibility'
  | 'dependencies'
> {
  icon: string;
  download: string;
  checksum: string;
  /** Newest first. */
  versions: RegistryVersion[];
}

export interface RegistryVersion {
  version: string;
  download: string;
  checksum: string;
  compatibility: PluginCompatibility;
  permissions: string[];
  dependencies: Record<string, string>;
  /** What changed in this version, in Markdown. */
  changelog: string;
}

/** The format's version, not a plugin's. */
const FORMAT_VERSION = '1.0.0';

/** Where what a registry lists can be fetched. */
export interface RegistryAddresses {
  download(packed: PackedPlugin): string;
  icon(packed: PackedPlugin): string;
}

/** As `writeRegistry` lays a registry out. */
export function addressesBelow(baseUrl: string): RegistryAddresses {
  return {
    download: ({ fileName }) => `${baseUrl}/${downloadPath(fileName)}`,
    icon: ({ manifest }) => `${baseUrl}/${iconPath(manifest.id)}`,
  };
}

/** The document that lists these packages as they can be fetched from there. */
export function registryDocument(
  packed: readonly PackedPlugin[],
  addresses: RegistryAddresses,
  generated: Date,
): RegistryDocument {
  const byId = Map.groupBy(packed, ({ manifest }) => manifest.id);
  const ids = [...byId.keys()].sort();
  return {
    version: FORMAT_VERSION,
    generated: generated.toISOString(),
    plugins: ids.flatMap((id) => pluginEntry(byId.get(id) ?? [], addresses)),
  };
}

function pluginEntry(versions: PackedPlugin[], addresses: RegistryAddresses): RegistryPlugin[] {
  const newestFirst = versions.toSorted((a, b) => compareVersions(b.manifest.version, a.manifest.version));
  const shown = newestShown(newestFirst);
  if (shown === undefined) return [];
  const { manifest } = shown;
  const { download, checksum } = versionEntry(shown, addresses);
  return [
    {
      id: manifest.id,
      name: manifest.name,
      description: manifest.description,
      version: manifest.version,
      author: manifest.author,
      ...(manifest.homepage === undefined ? {} : { homepage: manifest.homepage }),
      ...(manifest.repository === undefined ? {} : { repository: manifest.repository }),
      ...(manifest.support === undefined ? {} : { support: manifest.support }),
      type: manifest.type,
      tags: manifest.tags,
      icon: addresses.icon(shown),
      download,
      checksum,
      compatibility: manifest.compatibility,
      permissions: manifest.permissions,
      dependencies: manifest.dependencies,
      versions: newestFirst.map((version) => versionEntry(version, addresses)),
    },
  ];
}

/** The version a plugin is shown in: a pre-release only where there is nothing else. */
export function newestShown(newestFirst: readonly PackedPlugin[]): PackedPlugin | undefined {
  return newestFirst.find(({ manifest }) => !manifest.version.includes('-')) ?? newestFirst[0];
}

function versionEntry(packed: PackedPlugin, addresses: RegistryAddresses): RegistryVersion {
  const { manifest, checksum, changelog } = packed;
  const { version, compatibility, permissions, dependencies } = manifest;
  const download = addresses.download(packed);
  return { version, download, checksum, compatibility, permissions, dependencies, changelog };
}

/** Where a registry keeps a plugin's icon. */
export function iconPath(id: string): string {
  return `icons/${id}.png`;
}

/** Where a registry keeps a package. */
export function downloadPath(fileName: string): string {
  return `downloads/${fileName}`;
}
