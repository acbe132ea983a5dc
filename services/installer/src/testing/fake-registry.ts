import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answering, type Broker } from '@verifywise/broker';
import {
  compareVersions,
  FindRegistryEntry,
  FindRegistryToken,
  ListRegistryVersions,
  PlatformError,
  type RegistryEntry,
} from '@verifywise/contracts';
import type { PluginArchive } from './plugin-archive.ts';

/** A registry with its own web server, and registry-cache's answers about it. */
export interface FakeRegistry {
  publish(archive: PluginArchive, changes?: Partial<RegistryEntry>): RegistryEntry;
  /** How often each path was fetched. */
  readonly downloads: Map<string, number>;
  /** How often the versions of each plugin were asked for. */
  readonly listed: Map<string, number>;
  /** The Authorization header each path was last fetched with. */
  readonly shown: Map<string, string | undefined>;
  /** What the registry itself wants to be shown, when an entry says that it needs a token. */
  token: string;
  /** While it is away nobody knows its plugins. */
  isAway: boolean;
  close(): Promise<void>;
}

export async function startFakeRegistry(broker: Broker): Promise<FakeRegistry> {
  const files = new Map<string, Buffer>();
  const entries: RegistryEntry[] = [];
  const downloads = new Map<string, number>();
  const listed = new Map<string, number>();
  const shown = new Map<string, string | undefined>();
  const server = createServer((req, res) => {
    const path = req.url ?? '';
    downloads.set(path, (downloads.get(path) ?? 0) + 1);
    shown.set(path, req.headers.authorization);
    const bytes = files.get(path);
    if (bytes === undefined) res.writeHead(404).end();
    else res.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const versionsOf = (id: string) => {
    if (registry.isAway) throw new PlatformError('REGISTRY_UNAVAILABLE', 'The registry test cannot be reached');
    return entries.filter((entry) => entry.id === id).sort((a, b) => compareVersions(b.version, a.version));
  };
  const registry = { token: 'a token of the registry', isAway: false };
  const answers = await broker.answerQuestions('registry-cache', [
    answering(FindRegistryEntry, ({ id, version }) => {
      return versionsOf(id).find((entry) => version === undefined || entry.version === version) ?? null;
    }),
    answering(ListRegistryVersions, ({ id }) => {
      listed.set(id, (listed.get(id) ?? 0) + 1);
      return versionsOf(id);
    }),
    answering(FindRegistryToken, () => ({ value: registry.token, origin: `http://127.0.0.1:${port}` })),
  ]);
  return Object.assign(registry, {
    downloads,
    listed,
    shown,
    publish(archive: PluginArchive, changes: Partial<RegistryEntry> = {}) {
      const { id, version, bytes, checksum, manifest } = archive;
      const path = `/${id}-${version}.zip`;
      files.set(path, bytes);
      const entry: RegistryEntry = {
        ...{ registry: 'test', verified: true, local: true, allowedHosts: ['127.0.0.1'], id, name: id, version },
        ...{ description: '', type: 'feature', author: { name: 'VerifyWise' }, tags: [], permissions: [] },
        compatibility: manifest.compatibility ?? {},
        dependencies: (manifest.dependencies ?? {}) as Record<string, string>,
        downloadUrl: `http://127.0.0.1:${port}${path}`,
        checksum,
        ...changes,
      };
      entries.push(entry);
      return entry;
    },
    async close() {
      await answers.stop();
      await new Promise((closed) => server.close(closed));
    },
  });
}
