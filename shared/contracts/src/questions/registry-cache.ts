import { question } from '../messages.ts';
import type { RegistryEntry } from '../registry-entry.ts';

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
