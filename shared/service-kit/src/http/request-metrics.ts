import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { Histogram, type Registry } from 'prom-client';
import type { Logger } from '../logs/logger.ts';
import { pathOf } from './plain-route.ts';
import { requestIdOf } from './request-id.ts';

const NAME = 'http_request_duration_seconds';
const LABELS = ['method', 'route', 'status'] as const;

const mounts = new WeakMap<object, string>();

/** Measures one request until its connection has the answer; `route` is asked at its end. */
export type MeasureRequest = (req: IncomingMessage, res: ServerResponse, route: () => string) => void;

/** Remembers where the router is mounted that a request enters: once an error has left it, express no longer knows. */
export function mountedAt(path: string): RequestHandler {
  return (req, _res, next) => {
    mounts.set(req, path === '/' ? '' : path);
    next();
  };
}

/** Measures every request by its route (never its path, which would make a series of every id). */
export function requestMetrics(registry: Registry, log: Logger): MeasureRequest {
  const durations = durationsIn(registry);
  return (req, res, route) => {
    const startedAt = performance.now();
    const path = pathOf(req);
    res.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1_000;
      durations.observe({ method: req.method as string, route: route(), status: res.statusCode }, seconds);
      if (!log.isLevelEnabled('debug')) return;
      const tookMs = Math.round(seconds * 1_000);
      const { method } = req;
      const finished = res.writableFinished;
      log.debug({ requestId: requestIdOf(req), method, path, status: res.statusCode, finished, tookMs }, 'request');
    });
  };
}

/** The route of a request that Express has served, below where its router is mounted. */
export function expressRouteOf(req: Request): string {
  const route = req.route as { path?: unknown } | undefined;
  return typeof route?.path === 'string' ? `${mounts.get(req) ?? ''}${route.path}` : 'none';
}

function durationsIn(registry: Registry): Histogram<(typeof LABELS)[number]> {
  const known = registry.getSingleMetric(NAME);
  if (known instanceof Histogram) return known;
  return new Histogram({
    name: NAME,
    help: 'How long requests took, by route',
    labelNames: LABELS,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
    registers: [registry],
  });
}
