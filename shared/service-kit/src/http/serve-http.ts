import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Router } from 'express';
import type { Registry } from 'prom-client';
import type { Logger } from '../logs/logger.ts';
import { answerThrown, errorEnvelope, nothingHere } from './error-envelope.ts';
import { health, type Health, type ReadyChecks } from './health.ts';
import { openApiDocument, type OpenApiRoute } from './openapi.ts';
import type { PlainRoute } from './plain-route.ts';
import { giveRequestId } from './request-id.ts';
import { giveRequestLog } from './request-log.ts';
import { expressRouteOf, mountedAt, requestMetrics, type MeasureRequest } from './request-metrics.ts';

/** Long enough for a request that may take 25 s only in part: the process has 25 s for everything it closes. */
const DRAIN_DEADLINE_MS = 10_000;

export interface HttpOptions {
  /** The service's name, the title of its /openapi.json. */
  name: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** In this order; a router alone is mounted at the root. */
  routers: (Router | [string, Router])[];
  /** Asked before all routers, health and /openapi.json included; it takes only what is its own. */
  plain?: PlainRoute;
  ready: ReadyChecks;
  openapi: readonly OpenApiRoute[];
  metrics: Registry;
  /** How long requests in flight may go on after close() was called; 10 s unless said. */
  drainDeadlineMs?: number;
}

export interface HttpServer {
  /** Where it can be reached: `http://127.0.0.1:4002`. */
  readonly url: string;
  readonly port: number;
  /** Node's own server, for upgrades. */
  readonly server: Server;
  setNotReady(): void;
  /** Not ready, no new connections, requests in flight finish within the drain deadline, the rest is cut. */
  close(): Promise<void>;
}

/** Serves routers with request ids, the error envelope, /livez, /readyz, /metrics and /openapi.json. Resolves once it listens. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const state = health(options.ready, options.log);
  const drain = { draining: false };
  const server = createServer();
  server.on('request', listener(options, state, server, drain));
  await listen(server, options.host, options.port);
  const { port } = server.address() as AddressInfo;
  const host = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    server,
    setNotReady: () => state.setNotReady(),
    close() {
      state.setNotReady();
      drain.draining = true;
      closing ??= closeServer(server, options.drainDeadlineMs ?? DRAIN_DEADLINE_MS, options.log);
      return closing;
    },
  };
}

function listener(options: HttpOptions, state: Health, server: Server, drain: { draining: boolean }): RequestListener {
  const { log, plain } = options;
  const measure = requestMetrics(options.metrics, log);
  const app = application(options, state, measure);
  return (req, res) => {
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (drain.draining) res.setHeader('Connection', 'close');
    // A connection kept alive by a request that began before the drain would hold the server open.
    res.once('close', () => {
      if (drain.draining) setImmediate(() => server.closeIdleConnections());
    });
    giveRequestId(req, res);
    giveRequestLog(req, log);
    if (!plain?.takes(req)) {
      app(req, res);
      return;
    }
    measure(req, res, () => plain.route);
    void servePlainly(plain, req, res, log);
  };
}

async function servePlainly(plain: PlainRoute, req: IncomingMessage, res: ServerResponse, log: Logger): Promise<void> {
  try {
    await plain.serve(req, res);
  } catch (error) {
    // Half an answer is out already: only cutting the connection tells the client that the rest is missing.
    if (!answerThrown(log, error, req, res)) res.destroy();
  }
}

function application(options: HttpOptions, state: Health, measure: MeasureRequest): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(state.router);
  app.get('/metrics', async (_req, res) => {
    res.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  const document = openApiDocument(options.name, options.openapi);
  app.get('/openapi.json', (_req, res) => {
    res.json(document);
  });
  app.use((req, res, next) => {
    measure(req, res, () => expressRouteOf(req));
    next();
  });
  for (const entry of options.routers) {
    const [path, router] = Array.isArray(entry) ? entry : ['/', entry];
    app.use(path, mountedAt(path), router);
  }
  app.use(nothingHere);
  app.use(errorEnvelope(options.log));
  return app;
}

/** A server that could not listen: the port is taken or not allowed. */
export class ListenError extends Error {}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${error.code ?? error.message})`;
      reject(
        new ListenError(`Port ${port} on ${host} ${reason}; stop what uses it or set PORT to another`, {
          cause: error,
        }),
      );
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

async function closeServer(server: Server, deadlineMs: number, log: Logger): Promise<void> {
  const closed = Promise.withResolvers<undefined>();
  server.close(() => closed.resolve(undefined));
  const timer = setTimeout(() => {
    log.warn({ deadlineMs }, 'requests were still in flight at the drain deadline: cut');
    server.closeAllConnections();
  }, deadlineMs);
  await closed.promise;
  clearTimeout(timer);
}
