import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import createRouter from 'router';
import type { Router } from 'express';
import type { Plugin, PluginContext, PluginRequest, Webhooks } from '@verifywise/plugin-types';
import { answerError } from './error-answer.ts';
import { readPrivatePath } from './private-http.ts';
import type { PrivateListen } from './private-listen.ts';
import type { IsolateSetup } from './protocol.ts';

/** What the runner adds to a request must not make one too large that it has let through. */
const MAX_HEADER_BYTES = 32 * 1024;

/** The plugin's HTTP as the runner knows it. */
export interface PluginHttp {
  /** `GET /activity`, as declared by `routes(router)`. */
  routes: string[];
}

interface Parts {
  setup: IsolateSetup;
  plugin: Plugin;
  webhooks: Webhooks;
  context: PluginContext;
  listen: PrivateListen;
}

/** Serves the plugin's routes and webhooks on the isolate's private socket; only the runner can reach it. */
export async function servePlugin({ setup, plugin, webhooks, context, listen }: Parts): Promise<PluginHttp> {
  // It is Express's own router, which Express itself takes from this package.
  const router = createRouter() as unknown as Router;
  plugin.routes?.(router);

  const serve = builtForTheFirst(async () => {
    const { pluginApp } = await import('./plugin-app.ts');
    return pluginApp({ pluginId: setup.pluginId, router, webhooks, context });
  });
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (req, res) => {
    if (identify(setup, req, res)) serve(req, res);
  });
  // The runner pools its connections; it closes them, not the isolate.
  server.keepAliveTimeout = 0;
  await listen(server);
  return { routes: plugin.routes ? routesOf(router) : [] };
}

/** Builds what serves requests when the first one comes: Express takes as long to load as all else of an isolate does. */
function builtForTheFirst(build: () => Promise<RequestListener>): RequestListener {
  let built: RequestListener | undefined;
  let building: Promise<RequestListener> | undefined;
  return (req, res) => {
    if (built) {
      built(req, res);
      return;
    }
    building ??= build();
    // Should it fail, the isolate is broken, and ends as after every other error that nobody catches.
    void building.then((serve) => {
      built = serve;
      serve(req, res);
    });
  };
}

/** Believes only the runner: whoever shares its machine may come by the socket, but not by the token. */
function identify(setup: IsolateSetup, req: IncomingMessage, res: ServerResponse): boolean {
  const asked = readPrivatePath(setup, req.url ?? '');
  if (!asked) {
    answerError(res, 401, 'UNAUTHENTICATED', `Only the runner of ${setup.pluginId} may ask it`);
    return false;
  }
  const { identity, path } = asked;
  req.url = path;
  const request = req as PluginRequest;
  request.tenantId = identity.tenant;
  if (identity.userId !== undefined) request.userId = identity.userId;
  if (identity.role !== undefined) request.role = identity.role;
  return true;
}

interface Layer {
  route?: { path: unknown; methods: Record<string, boolean> };
}

/** What `routes(router)` declared at the top level, for the plugin's surface. */
function routesOf(router: Router): string[] {
  const layers = (router as unknown as { stack: Layer[] }).stack;
  return layers.flatMap(({ route }) =>
    route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${String(route.path)}`) : [],
  );
}
