import { PlatformError } from '@verifywise/contracts';
import { createMetrics, serveHttp, type HttpServer, type Logger } from '@verifywise/service-kit';
import { Router } from 'express';
import { registryRoutes } from './registry-routes.ts';

export interface ServedRegistry extends HttpServer {
  /** Until this is called, /readyz and every file answer 503: what an earlier run left may be out of date. */
  setPublished(): void;
}

/** Serves what `writeRegistry` put into the folder. Resolves once it listens. */
export async function serveRegistry(options: {
  host?: string;
  port: number;
  folder: string;
  log: Logger;
}): Promise<ServedRegistry> {
  let published = false;
  const gate = Router();
  gate.use((_req, _res, next) => {
    if (!published) throw new PlatformError('UNAVAILABLE', 'The plugins are being packed; try again in a moment');
    next();
  });
  const server = await serveHttp({
    name: 'local-registry',
    host: options.host ?? '127.0.0.1',
    port: options.port,
    log: options.log,
    routers: [gate, registryRoutes(options.folder)],
    ready: { published: () => published },
    openapi: [],
    metrics: createMetrics('local-registry'),
  });
  return { ...server, setPublished: () => void (published = true) };
}
