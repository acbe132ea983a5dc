import type { Permission, PluginAuthor, PluginCompatibility, PluginType } from '@verifywise/plugin-types';

/** A place that lists plugins. */
export interface Registry {
  name: string;
  url: string;
  /** Whether the operator vouches for what it lists. */
  verified: boolean;
  /** Whether plain http and addresses of our own network are fine for it. */
  local: boolean;
  /** Hosts that packages and icons may come from; `*.example.com` means every host below it. */
  allowedHosts: string[];
  /** Opened only when the registry is fetched; null when it needs none. */
  sealedToken: string | null;
}

/** What a registry lists, read and normalised. */
export interface Listing {
  /** The format's version and the date, as the registry says them. */
  version: string | null;
  updated: string | null;
  plugins: ListedPlugin[];
  /** What was left out, and why. */
  problems: EntryProblem[];
}

export interface ListedPlugin {
  id: string;
  name: string;
  description: string;
  /** The newest release, whichever host it runs on; a pre-release only where there is nothing else. A catalogue shows what its host would install. */
  version: string;
  type: PluginType;
  author: PluginAuthor;
  tags: string[];
  homepage?: string;
  repository?: string;
  support?: string;
  /** Where the registry has its icon; browsers get it from us. */
  icon?: string;
  /** Newest first; the shown one is among them. */
  versions: ListedVersion[];
}

export interface ListedVersion {
  version: string;
  download: string;
  /** `sha256:<hex>` */
  checksum: string;
  permissions: Permission[];
  compatibility: PluginCompatibility;
  dependencies: Record<string, string>;
  changelog?: string;
}

/** An entry, or a part of one, that is left out; the rest of its registry is served. */
export interface EntryProblem {
  /** The entry's id, or its place when it has none. */
  plugin: string;
  version?: string;
  reason: string;
}
