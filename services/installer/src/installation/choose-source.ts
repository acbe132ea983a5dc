import { checkCompatibility, compareVersions, newestToInstall, PlatformError } from '@verifywise/contracts';
import type { RegistryEntry } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { Packages, PluginRegistry, StoredPackage } from './hands.ts';
import type { PluginSource } from './installed-plugin.ts';
import type { ChosenSource, OperationInput } from './progress.ts';

/** What is known of a version before its package is here. */
export interface Choice {
  chosen: ChosenSource;
  version: string;
  compatibility: RegistryEntry['compatibility'];
  dependencies: Record<string, string>;
  permissions: Permission[];
  /** A newer version that was not chosen because it does not run here. */
  heldBack?: { version: string; reason: string };
}

export interface SourceNeeds {
  packages: Packages;
  registry: PluginRegistry;
  hostVersion: string;
}

/**
 * Decides where the bytes of a version come from: the upload, our registry's entry, or what ships with the platform.
 * URL and checksum are always our registry's; what the caller sent only has to agree with it (contract §3).
 */
export async function chooseSource(
  { packages, registry, hostVersion }: SourceNeeds,
  tenant: string,
  pluginId: string,
  input: OperationInput,
  from?: PluginSource,
): Promise<Choice> {
  if (input.uploaded !== undefined) {
    const uploaded = await packages.find(input.uploaded);
    if (uploaded === null)
      throw new PlatformError('PACKAGE_NOT_FOUND', `The uploaded package ${input.uploaded} is gone`);
    return storedChoice(uploaded, 'upload');
  }
  // Only the version that ships can come from what ships.
  const builtin = (await packages.builtins()).find(
    ({ manifest: { id, version } }) => id === pluginId && (input.version ?? version) === version,
  );
  const found = await findEntry({ registry, hostVersion }, tenant, pluginId, input, builtin);
  if (found !== null && !isBetter(builtin, found.entry, input, from)) {
    const choice = registryChoice(found.entry, input);
    return found.heldBack === undefined ? choice : { ...choice, heldBack: found.heldBack };
  }
  if (builtin !== undefined) return storedChoice(builtin, 'builtin');
  if (input.version === undefined) {
    throw new PlatformError('PLUGIN_NOT_FOUND', `No registry has plugin ${pluginId}; GET /api/marketplace lists all`);
  }
  throw new PlatformError(
    'VERSION_NOT_FOUND',
    `No registry has version ${input.version} of ${pluginId}; GET /api/marketplace/${pluginId} shows which there are`,
  );
}

interface FoundEntry {
  entry: RegistryEntry;
  heldBack?: { version: string; reason: string };
}

async function findEntry(
  { registry, hostVersion }: Omit<SourceNeeds, 'packages'>,
  tenant: string,
  pluginId: string,
  input: OperationInput,
  builtin: StoredPackage | undefined,
): Promise<FoundEntry | null> {
  try {
    if (input.version === undefined) return newestThatRuns(await registry.versions(tenant, pluginId), hostVersion);
    const entry = await registry.find(tenant, pluginId, input.version);
    return entry === null ? null : { entry };
  } catch (error) {
    // What ships with the platform can be installed while the registry is away.
    if (builtin !== undefined && input.downloadUrl === undefined) return null;
    throw error;
  }
}

/** The newest release that runs on this host; where none does, the newest there is, which is then refused with the reason. */
function newestThatRuns(versions: RegistryEntry[], hostVersion: string): FoundEntry | null {
  const entry = newestToInstall(versions, hostVersion);
  if (entry === undefined) return null;
  const [newest] = versions.filter(({ version }) => !version.includes('-'));
  const checked = newest === undefined ? undefined : checkCompatibility(hostVersion, newest.compatibility);
  if (newest === undefined || newest === entry || checked?.compatible !== false) return { entry };
  return { entry, heldBack: { version: newest.version, reason: checked.reason } };
}

/**
 * A plugin that ships with the platform needs no download, unless the registry has a newer one or its own URL was asked for. What came
 * from a registry goes on coming from one as long as that has the version as well.
 */
function isBetter(
  builtin: StoredPackage | undefined,
  entry: RegistryEntry,
  input: OperationInput,
  from: PluginSource | undefined,
): boolean {
  if (builtin === undefined || input.downloadUrl !== undefined) return false;
  const than = compareVersions(builtin.manifest.version, entry.version);
  return than > 0 || (than === 0 && from !== 'registry');
}

function storedChoice({ digest, manifest }: StoredPackage, source: 'upload' | 'builtin'): Choice {
  const { version, compatibility, dependencies, permissions } = manifest;
  return { chosen: { kind: 'stored', source, digest }, version, compatibility, dependencies, permissions };
}

function registryChoice(entry: RegistryEntry, input: OperationInput): Choice {
  const { registry, verified, local, allowedHosts, needsToken = false, downloadUrl, checksum, version } = entry;
  if (input.downloadUrl !== undefined && input.downloadUrl !== downloadUrl) {
    throw new PlatformError('DOWNLOAD_URL_MISMATCH', `Registry ${registry} has ${entry.id} ${version} at another URL`, {
      details: { expected: downloadUrl },
    });
  }
  if (input.checksum !== undefined && bareChecksum(input.checksum) !== bareChecksum(checksum)) {
    throw new PlatformError(
      'CHECKSUM_MISMATCH',
      `Registry ${registry} promises ${checksum} for ${entry.id} ${version}, not ${input.checksum}`,
      { details: { expected: checksum } },
    );
  }
  return {
    chosen: { kind: 'registry', registry, verified, local, allowedHosts, needsToken, downloadUrl, checksum, version },
    version,
    compatibility: entry.compatibility,
    dependencies: entry.dependencies,
    permissions: entry.permissions,
  };
}

/** `sha256:` may be left out, and hexadecimal has two cases. */
function bareChecksum(checksum: string): string {
  return checksum.replace(/^sha256:/i, '').toLowerCase();
}
