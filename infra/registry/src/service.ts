import type { Closers, Logger } from '@verifywise/service-kit';
import { buildRegistry } from './build-registry.ts';
import type { RegistryConfig } from './config.ts';
import { writeRegistry } from './output-folder.ts';
import { findPluginFolders } from './plugin-folders.ts';
import { serveRegistry, type ServedRegistry } from './serve-registry.ts';

/** Packs the plugins of a folder and serves them. Resolves once they can be fetched. */
export async function startRegistry(config: RegistryConfig, closers: Closers, log: Logger): Promise<ServedRegistry> {
  const { host, port, outputFolder } = config;
  const server = await serveRegistry({ host, port, folder: outputFolder, log });
  closers.addStep('HTTP server', () => server.close());

  const folders = await findPluginFolders(config.pluginsFolder);
  const registry = await buildRegistry(folders, config.publicUrl ?? server.url);
  for (const { folder, error } of registry.refused) log.error({ folder, problems: error.problems }, 'plugin left out');
  await writeRegistry(registry, outputFolder);
  server.setPublished();
  log.info({ packages: registry.packages.map(({ fileName }) => fileName), url: server.url }, 'registry published');
  return server;
}
