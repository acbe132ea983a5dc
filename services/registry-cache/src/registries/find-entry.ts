import type { RegistryEntry } from '@verifywise/contracts';
import { registryEntry, versionOf, type Catalogue } from '../catalogue/catalogue.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';

export type FindEntry = (wanted: { id: string; version?: string }) => Promise<RegistryEntry | null>;

/** Somebody may ask for what was published a moment ago, but not make us fetch for every wrong name. */
const KNOWN_FOR_MS = 10_000;

/** The entry of one version, the shown one when none is named. What is not known is looked up once more at the registries. */
export function createFindEntry(current: CurrentCatalogue): FindEntry {
  return async (wanted) => {
    const entry = entryIn(await current.get(), wanted);
    if (entry !== null) return entry;
    const refreshed = await current.refresh(KNOWN_FOR_MS);
    return refreshed.length === 0 ? null : entryIn(await current.get(), wanted);
  };
}

export type ListVersions = (wanted: { id: string }) => Promise<RegistryEntry[]>;

/** Every version, newest first; what is not known is looked up once more at the registries. */
export function createListVersions(current: CurrentCatalogue): ListVersions {
  return async ({ id }) => {
    const versions = versionsIn(await current.get(), id);
    if (versions.length > 0) return versions;
    const refreshed = await current.refresh(KNOWN_FOR_MS);
    return refreshed.length === 0 ? [] : versionsIn(await current.get(), id);
  };
}

function versionsIn(catalogue: Catalogue, id: string): RegistryEntry[] {
  const found = catalogue.find(id);
  return found === undefined ? [] : found.plugin.versions.map((version) => registryEntry(found, version));
}

function entryIn(catalogue: Catalogue, { id, version }: { id: string; version?: string }): RegistryEntry | null {
  const found = catalogue.find(id);
  const listed = found === undefined ? undefined : versionOf(found.plugin, version);
  return found === undefined || listed === undefined ? null : registryEntry(found, listed);
}
