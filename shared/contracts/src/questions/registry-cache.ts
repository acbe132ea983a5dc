import { question } from '../messages.ts';
import type { RegistryEntry } from '../registry-entry.ts';

/** What a registry wants to be shown, and the only origin (`https://registry.example.com`) it may be sent to. */
export interface RegistryToken {
  value: string;
  origin: string;
}

/** Asked by the installer: the entry of one plugin version; the newest when no version is given, null when unknown. */
export const FindRegistryEntry = question<{ id: string; version?: string }, RegistryEntry | null>(
  'registry-cache',
  'find-registry-entry',
);

/** Asked by the installer: every version of one plugin, newest first; none when it is unknown. */
export const ListRegistryVersions = question<{ id: string }, RegistryEntry[]>(
  'registry-cache',
  'list-registry-versions',
);

/** Asked by the installer when it downloads a package of a registry that has a token; null when it has none any more. */
export const FindRegistryToken = question<{ registry: string }, RegistryToken | null>(
  'registry-cache',
  'find-registry-token',
);
