import type { ListedPlugin, ListedVersion, Listing, Registry } from '../registry.ts';

/** A registry for tests; its name says which. */
export function aRegistry(name: string, changes: Partial<Registry> = {}): Registry {
  return {
    name,
    url: `https://${name}.example/registry.json`,
    verified: true,
    local: false,
    allowedHosts: ['github.com'],
    sealedToken: null,
    ...changes,
  };
}

export function aVersion(version: string, changes: Partial<ListedVersion> = {}): ListedVersion {
  return {
    version,
    download: `https://github.com/x/${version}.zip`,
    checksum: `sha256:${'a'.repeat(64)}`,
    permissions: [],
    compatibility: {},
    dependencies: {},
    ...changes,
  };
}

export function aPlugin(id: string, changes: Partial<ListedPlugin> = {}): ListedPlugin {
  return {
    id,
    name: id.replaceAll('-', ' '),
    description: '',
    version: '1.0.0',
    type: 'feature',
    author: { name: 'Ada' },
    tags: [],
    versions: [aVersion('1.0.0')],
    ...changes,
  };
}

export function aListing(...plugins: ListedPlugin[]): Listing {
  return { version: '1.0.0', updated: '2026-01-01T00:00:00Z', plugins, problems: [] };
}
