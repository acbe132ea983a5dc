import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';

const HOST = '127.0.0.1';

/** A registry with its web server, as registry-cache and installer see it. */
export class BenchRegistry {
  /** How often each path was fetched. */
  readonly downloads = new Map<string, number>();
  readonly #server;
  readonly #url: string;

  private constructor(server: ReturnType<typeof createServer>, url: string) {
    this.#server = server;
    this.#url = url;
  }

  static async start(archives: readonly PluginArchive[]): Promise<BenchRegistry> {
    const files = new Map<string, Buffer>();
    const server = createServer((req, res) => {
      const path = req.url ?? '';
      registry.downloads.set(path, (registry.downloads.get(path) ?? 0) + 1);
      const bytes = files.get(path);
      if (bytes === undefined) res.writeHead(404).end();
      else res.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    await new Promise<void>((listening) => server.listen(0, HOST, listening));
    const registry = new BenchRegistry(server, `http://${HOST}:${(server.address() as AddressInfo).port}`);
    for (const archive of archives) files.set(pathOf(archive), archive.bytes);
    files.set('/registry.json', Buffer.from(JSON.stringify({ plugins: listed(archives, registry.#url) })));
    return registry;
  }

  /** The setting of registry-cache that makes this its only registry. */
  get setting(): string {
    const url = `${this.#url}/registry.json`;
    return JSON.stringify([{ name: 'bench', url, verified: true, local: true, allowedHosts: [HOST] }]);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

function pathOf({ id, version }: PluginArchive): string {
  return `/${id}-${version}.zip`;
}

function listed(archives: readonly PluginArchive[], url: string): object[] {
  const byPlugin = Map.groupBy(archives, ({ id }) => id);
  return [...byPlugin.values()].map((all) => {
    const versions = all.map((archive) => ({
      version: archive.version,
      download: `${url}${pathOf(archive)}`,
      checksum: archive.checksum,
    }));
    return { ...all[0]?.manifest, ...versions[0], versions };
  });
}
