import type { Broker } from '@verifywise/broker';
import type { Logger, SecretBox } from '@verifywise/service-kit';
import { capabilitiesFor } from './capabilities/capabilities.ts';
import type { RunnerConfig } from './config.ts';
import type { ApplyFilters } from './filtering/apply-filters.ts';
import type { HostedPlugin } from './hosting/hosted-plugin.ts';
import type { HostingParts } from './hosting/hosting.ts';
import { IsolateMemory } from './hosting/isolate-memory.ts';
import type { IsolateNotes } from './hosting/isolate-notes.ts';
import type { KernelTools } from './hosting/kernel-tools.ts';
import { findKernelTools } from './hosting/kernel-tools.ts';
import { readableConfig } from './hosting/plugin-config.ts';
import { keepSurfaces } from './hosting/surface-records.ts';
import { openDoor } from './http/isolate-door.ts';
import type { KnownSecrets } from './logs/known-secrets.ts';
import type { PluginLogs } from './logs/plugin-logs.ts';
import type { PluginFacts } from './messages/plugin-facts.ts';
import { isolateBundle } from './package/isolate-bundle.ts';
import type { PrivateFolders } from './package/private-folders.ts';
import type { ScratchFolders } from './package/scratch-folders.ts';
import type { UnpackedPackages } from './package/unpacked-packages.ts';
import type { PluginDatabases } from './plugin-databases.ts';
import type { InstallationStore } from './store/installation-store.ts';
import type { MetadataStore } from './store/metadata-store.ts';
import type { SurfaceStore } from './store/surface-store.ts';
import { createCheckedUi } from './ui/checked-ui.ts';

interface Parts {
  config: RunnerConfig;
  broker: Broker;
  secrets: SecretBox;
  knownSecrets: KnownSecrets;
  installations: InstallationStore;
  metadata: MetadataStore;
  surfaces: SurfaceStore;
  plugins: PluginDatabases;
  facts: PluginFacts;
  lines: PluginLogs;
  packages: UnpackedPackages;
  privateFolders: PrivateFolders;
  scratchFolders: ScratchFolders;
  notes: IsolateNotes;
  applyFilters: ApplyFilters;
  log: Logger;
}

/** What each hosted plugin is given of this runner: where its process runs, what its context asks for, who hears of it. */
export function createPluginParts(parts: Parts): HostingParts['plugin'] {
  const { config, secrets, knownSecrets, plugins, facts, lines, scratchFolders, log } = parts;
  return {
    bundle: isolateBundle(),
    limits: { heapMb: config.isolateHeapMb, hangLimitMs: config.hangLimitMs, handlerLimitMs: config.handlerLimitMs },
    memory: new IsolateMemory(config.isolateMemoryMb),
    tools: kernelTools(config, log),
    notes: parts.notes,
    packages: parts.packages,
    privateFolder: () => parts.privateFolders.create(),
    openDoor,
    configOf: (installation) => readableConfig(secrets, installation),
    readableFolders: config.readableFolders,
    surroundings: async (plugin) => ({
      scratchFolder: await scratchFolders.forIsolate(plugin, plugin.installation.granted),
      egressAllowed: config.egressAllowed,
      ...(await plugins.modelsOf(plugin.installation)),
    }),
    left: (plugin) => scratchFolders.remove(plugin),
    capabilities: (plugin) => capabilitiesOf(plugin, parts),
    mask: (installation, text) => knownSecrets.maskFor(installation)(text),
    log: (installation, level, message, meta) => lines.take(installation, level, message, meta),
    ...keepSurfaces(parts.surfaces, facts, log, createCheckedUi()),
    lifecycle: (plugin, what) => facts.lifecycle(plugin, what),
    failed: (plugin, failure) => facts.failed(plugin, failure),
    isolateEnded: (plugin) => plugins.isolateEnded(plugin),
  };
}

function capabilitiesOf(
  plugin: HostedPlugin,
  { broker, metadata, installations, secrets, plugins, applyFilters }: Parts,
): ReturnType<typeof capabilitiesFor> {
  return capabilitiesFor({
    broker,
    metadata,
    installation: () => plugin.installation,
    configChanged: (installation) => {
      plugin.adopt(installation);
      return installation.granted.includes('config:read') ? readableConfig(secrets, installation) : null;
    },
    isEnabled: (pluginId) => installations.isEnabled(plugin.tenant, pluginId),
    ...plugins.capabilities(plugin),
    applyFilters: (...filter) => applyFilters(plugin, ...filter),
  });
}

function kernelTools({ path }: RunnerConfig, log: Logger): KernelTools {
  const tools = findKernelTools(path);
  if (tools.setpriv === null)
    log.warn(
      'There is no setpriv: a plugin that loops outlives a runner that is killed, until the next runner starts here',
    );
  if (tools.prlimit === null)
    log.warn('There is no prlimit: a plugin may take much memory at once and fill the disk with a file');
  return tools;
}
