import type { MiddlewareOutcome, MiddlewareRun, SurfaceMiddleware } from '@verifywise/contracts';
import { emptySurface } from '@verifywise/contracts';
import type express from 'express';
import type { Express } from 'express';
import type { TenantAsking } from '../asking/tenant-asking.ts';
import type { HostIncoming } from '../middleware/host-exchange.ts';
import type { PluginMiddlewareOptions } from '../middleware/plugin-middleware.ts';
import { createPluginMiddleware } from '../middleware/plugin-middleware.ts';
import { offerOf } from '../surfaces/tenant-offer.ts';
import { TenantOffers } from '../surfaces/tenant-offers.ts';
import { serve, trustHeaders, type TestApp } from './express-app.ts';

export type Before = MiddlewareRun & { phase: 'before' };
export type After = MiddlewareRun & { phase: 'after' };

/** What the tenant's plugins do; nothing unless something is given. */
export interface Plugins {
  before?: (run: Before) => Partial<MiddlewareOutcome> | Promise<Partial<MiddlewareOutcome>>;
  after?: (run: After) => Partial<MiddlewareOutcome> | Promise<Partial<MiddlewareOutcome>>;
  failClosed?: boolean;
}

export interface MiddlewareHost extends TestApp {
  /** What plugins were asked, as it would have been on the wire. */
  asked: MiddlewareRun[];
}

/** How it takes plugins in, and what stands before everything else. */
export type HostOptions = PluginMiddlewareOptions & { wrap?: express.RequestHandler[] };

const quiet = (): void => undefined;
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** A host whose tenant acme has these plugins at `/api/*`, and every other tenant none. */
export async function hostWith(
  createApp: typeof express,
  plugins: Plugins,
  routes: (app: Express) => void,
  { wrap = [], ...options }: HostOptions = {},
): Promise<MiddlewareHost> {
  const asked: MiddlewareRun[] = [];
  const surface = { ...emptySurface, middleware: surfaceOf(plugins) };
  const offers = new TenantOffers({
    ask: (tenant) => Promise.resolve(offerOf(tenant === 'acme' ? [surface] : [])),
    log: silent,
  });
  const ask = async (_question: unknown, { payload }: { payload: unknown }): Promise<unknown> => {
    const run = payload as MiddlewareRun;
    asked.push(JSON.parse(JSON.stringify(run)) as MiddlewareRun);
    const made = run.phase === 'before' ? await plugins.before?.(run) : await plugins.after?.(run);
    const kept = run.phase === 'after' ? { response: run.response, state: run.state } : { state: {} };
    return { kind: 'continue', request: run.request, failures: [], ...kept, ...made };
  };
  const app = createApp();
  for (const handler of [...wrap, trustHeaders, createApp.json()]) app.use(handler);
  app.use(createPluginMiddleware({ identity, offers, ask: ask as TenantAsking, log: silent }, options));
  routes(app);
  return { ...(await serve(app)), asked };
}

function identity(req: HostIncoming): { tenant: string; userId: number; role: string } | undefined {
  const { user } = req as unknown as { user: { id: number; tenant?: string } };
  return user.tenant === undefined ? undefined : { tenant: user.tenant, userId: user.id, role: 'Admin' };
}

function surfaceOf({ before, after, failClosed = false }: Plugins): SurfaceMiddleware[] {
  const at = (position: 'before' | 'after') => ({ id: position, pattern: '/api/*', position, failClosed });
  return [...(before ? [at('before')] : []), ...(after ? [at('after')] : [])];
}
