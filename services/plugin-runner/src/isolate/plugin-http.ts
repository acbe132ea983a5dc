import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import type { NextFunction, Request, Response, Router } from 'express';
import type { Plugin, PluginContext, PluginRequest, WebhookRequest, Webhooks } from '@verifywise/plugin-types';
import { WEBHOOK_PREFIX, readPrivatePath } from './private-http.ts';
import type { PrivateListen } from './private-listen.ts';
import type { IsolateSetup } from './protocol.ts';
import { SignatureError } from './webhook-signatures.ts';

/** JSON bodies of plugin routes (contract §1). */
const ROUTE_BODY_LIMIT = '15mb';
/** Webhook bodies arrive checked by the gateway, which lets none of this size through. */
const WEBHOOK_BODY_LIMIT = '25mb';

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
  const router = express.Router();
  plugin.routes?.(router);

  const app = express();
  app.disable('x-powered-by');
  app.use(`${WEBHOOK_PREFIX}/:name`, webhookBody(), webhookRoute(webhooks, context));
  app.use(
    `/api/plugins/${setup.pluginId}`,
    express.json({ limit: ROUTE_BODY_LIMIT }),
    express.urlencoded({ extended: true }),
    router,
  );
  app.use((_req: Request, res: Response) => answerError(res, 404, 'NOT_FOUND', `${setup.pluginId} has no such route`));
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    const status = (error as { status?: unknown } | null)?.status;
    if (res.headersSent) {
      next(error);
      return;
    }
    if (typeof status === 'number' && status >= 400 && status < 500) {
      const malformed = (error as { type?: unknown }).type === 'entity.parse.failed';
      const message = malformed ? 'The body is not valid JSON' : (error as Error).message;
      answerError(res, status, status === 413 ? 'TOO_LARGE' : 'BAD_REQUEST', message);
      return;
    }
    if (error instanceof SignatureError) {
      context.logger.warn('A webhook was refused', error);
      answerError(res, 401, error.code, 'The signature does not fit');
      return;
    }
    context.logger.error('A route threw an error', error);
    answerError(res, 500, 'HANDLER_FAILED', `${setup.pluginId} could not answer; its log says why`);
  });

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (req, res) => {
    if (identify(setup, req, res)) app(req, res);
  });
  // The runner pools its connections; it closes them, not the isolate.
  server.keepAliveTimeout = 0;
  await listen(server);
  return { routes: plugin.routes ? routesOf(router) : [] };
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

/** Keeps the bytes of the body as they were sent, compressed or not, and parses them by their content type. */
function webhookBody() {
  const limit = WEBHOOK_BODY_LIMIT;
  return [
    keepRawBody,
    express.json({ limit, type: ['application/json', 'application/*+json'], strict: false }),
    express.urlencoded({ limit, extended: true }),
    express.text({ limit, type: 'text/*' }),
    express.raw({ limit, type: () => true }),
  ];
}

/** Listens beside the parser that comes next; signatures are made over what was sent, not over what it was unpacked to. */
function keepRawBody(req: Request, _res: Response, next: NextFunction): void {
  const chunks: Buffer[] = [];
  const request = req as unknown as WebhookRequest;
  request.rawBody = Buffer.alloc(0);
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.once('end', () => (request.rawBody = Buffer.concat(chunks)));
  next();
}

function webhookRoute(webhooks: Webhooks, context: PluginContext) {
  return async (req: Request, res: Response): Promise<void> => {
    const name = String(req.params.name);
    const webhook = Object.hasOwn(webhooks, name) ? webhooks[name] : undefined;
    if (!webhook) {
      answerError(res, 404, 'WEBHOOK_NOT_FOUND', 'There is no such webhook');
      return;
    }
    const request = req as WebhookRequest;
    await webhook.handler(request, res, context);
    if (!res.headersSent) res.status(204).end();
  };
}

function answerError(res: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ success: false, error: { code, message } });
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  res.end(body);
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
