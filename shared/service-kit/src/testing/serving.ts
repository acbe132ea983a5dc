import type { AddressInfo } from 'node:net';
import { createServer, type RequestListener, type Server } from 'node:http';
import { Registry } from 'prom-client';
import { createLogger, type Logger } from '../logs/logger.ts';
import { serveHttp, type HttpOptions, type HttpServer } from '../http/serve-http.ts';

/** A logger whose lines a test can read. */
export function listeningLogger(): { log: Logger; lines: () => Record<string, unknown>[] } {
  const raw: string[] = [];
  const log = createLogger('sample', 'debug', { write: (line: string) => raw.push(line) });
  return { log, lines: () => raw.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** Serves routers on a free port of this machine, with nothing else to say. */
export function served(options: Partial<HttpOptions>): Promise<HttpServer> {
  return serveHttp({
    name: 'sample',
    host: '127.0.0.1',
    port: 0,
    log: listeningLogger().log,
    routers: [],
    ready: {},
    openapi: [],
    metrics: new Registry(),
    ...options,
  });
}

/** A server of somebody else's, on a free port. */
export async function otherServer(listener: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** The status, headers and JSON of an answer. */
export async function answerOf(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

/** A POST of JSON. */
export function posting(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
