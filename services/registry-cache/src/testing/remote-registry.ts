import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

export interface SeenRequest {
  path: string;
  authorization: string | undefined;
  /** It named what it has, and the registry still says the same. */
  conditional: boolean;
}

/** A registry's server that does what the test says. */
export interface RemoteRegistry {
  url: string;
  plugins: unknown[];
  status: number;
  requests: SeenRequest[];
  /** How many requests for the document were answered at the same time at most. */
  mostAtOnce: number;
  icon: Buffer;
  /** By which of them it tells that nothing has changed. */
  validator: 'etag' | 'last-modified' | 'none';
  /** Answers wait for this. */
  gate: Promise<unknown>;
  /** Answers in place of it. */
  answer?: (res: ServerResponse) => void;
  documents(): SeenRequest[];
  stop(): Promise<void>;
}

export async function startRemoteRegistry(): Promise<RemoteRegistry> {
  let atOnce = 0;
  let content = '';
  let changedAt = Date.parse('2026-01-01T00:00:00Z');
  const server: Server = createServer((req, res) => {
    const path = req.url ?? '';
    const body = JSON.stringify({ version: '1.0.0', generated: '2026-02-03T04:05:06Z', plugins: own.plugins });
    if (body !== content) changedAt += 60_000;
    content = body;
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    const modified = new Date(changedAt).toUTCString();
    const conditional =
      (own.validator === 'etag' && req.headers['if-none-match'] === etag) ||
      (own.validator === 'last-modified' && req.headers['if-modified-since'] === modified);
    own.requests.push({ path, authorization: req.headers.authorization, conditional });
    if (path.endsWith('.png')) {
      res.end(own.icon);
      return;
    }
    atOnce += 1;
    own.mostAtOnce = Math.max(own.mostAtOnce, atOnce);
    res.once('close', () => (atOnce -= 1));
    void own.gate.then(() => {
      if (own.answer !== undefined) own.answer(res);
      else if (own.status !== 200) res.writeHead(own.status).end();
      else if (conditional) res.writeHead(304).end();
      else {
        const headers = { etag: { etag }, 'last-modified': { 'last-modified': modified }, none: {} }[own.validator];
        res.writeHead(200, headers).end(body);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own: RemoteRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plugins: [],
    status: 200,
    requests: [],
    mostAtOnce: 0,
    icon: PNG,
    validator: 'etag',
    gate: Promise.resolve(),
    documents: () => own.requests.filter(({ path }) => path === '/registry.json'),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  own.plugins = [listedPlugin('activity-feed', '1.1.0', own.url)];
  return own;
}

/** An entry of registry.json as the spec writes it. */
export function listedPlugin(id: string, version: string, url: string, changes: object = {}): object {
  const download = `${url}/downloads/${id}-${version}.zip`;
  const checksum = `sha256:${'c'.repeat(64)}`;
  return {
    ...{ id, version, download, checksum, name: id, description: `The plugin ${id}`, type: 'feature', tags: ['demo'] },
    ...{ author: { name: 'Ada' }, permissions: [], compatibility: {}, dependencies: {} },
    icon: `${url}/icons/${id}.png`,
    versions: [{ version: '1.0.0', download: `${url}/downloads/${id}-1.0.0.zip`, checksum }],
    ...changes,
  };
}
