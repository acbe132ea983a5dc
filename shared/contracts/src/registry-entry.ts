import type { Permission, PluginCompatibility, PluginType } from '@verifywise/plugin-types';

/** One version of one plugin as a registry lists it (S:8.3), normalised: `download` and `downloadUrl` are one. */
export interface RegistryEntry {
  registry: string;
  /** Whether the operator vouches for this registry. */
  verified: boolean;
  /** Whether plain http and loopback addresses are fine for it. */
  local: boolean;
  allowedHosts: string[];
  /** It has a token, which is asked for by FindRegistryToken. */
  needsToken?: boolean;
  id: string;
  name: string;
  description: string;
  version: string;
  type: PluginType;
  author: { name: string; url?: string };
  tags: string[];
  permissions: Permission[];
  compatibility: PluginCompatibility;
  dependencies: Record<string, string>;
  downloadUrl: string;
  /** `sha256:<hex>` */
  checksum: string;
  homepage?: string;
  repository?: string;
  support?: string;
  icon?: string;
  changelog?: string;
}
