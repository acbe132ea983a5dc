import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express, { type Express, type RequestHandler } from 'express';

/** An application of each Express that hosts use; what they have in common is all that is used of the older one. */
export const expressVersions = [
  { version: '4', express: createRequire(import.meta.url)('express4') as typeof express },
  { version: '5', express },
];

export interface TestApp {
  url: string;
  close(): Promise<void>;
}

/** Serves an application on a free port. */
export async function serve(app: Express): Promise<TestApp> {
  const server: Server = createServer(app as RequestListener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The host's authentication: the tenant that the request names. */
export const trustHeaders: RequestHandler = (req, _res, next) => {
  Object.assign(req, { user: { id: 7, tenant: req.get('x-tenant') } });
  next();
};

export interface RawAnswer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  bytes: Buffer;
}

/** Reads as acme does, without what `fetch` adds to a request and takes from an answer. */
export async function rawGet(url: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const asked = request(url, { headers: { 'x-tenant': 'acme', ...headers } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(chunks) };
}
