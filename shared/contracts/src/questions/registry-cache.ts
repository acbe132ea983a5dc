import { question } from '../messages.ts';
import type { RegistryEntry } from '../registry-entry.ts';

/** Asked by the installer: the entry of one plugin version; the newest when no version is given, null when unknown. */
export const FindRegistryEntry = question<{ id: string; version?: string }, RegistryEntry | null>(
  'registry-cache',
  'find-registry-entry',
);
