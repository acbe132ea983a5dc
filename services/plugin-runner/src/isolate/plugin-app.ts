import express from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response, Router } from 'express';
import type { PluginContext, WebhookRequest, Webhooks } from '@verifywise/plugin-types';
import { answerError } from './error-answer.ts';
import { WEBHOOK_PREFIX } from './private-http.ts';
import { SignatureError } from './webhook-signatures.ts';

/** JSON bodies of plugin routes (contract §1). */
const ROUTE_BODY_LIMIT = '15mb';
/** Webhook bodies arrive checked by the gateway, which lets none of this size through. */
const WEBHOOK_BODY_LIMIT = '25mb';

interface Parts {
  pluginId: string;
  /** What `routes(router)` has filled. */
  router: Router;
  webhooks: Webhooks;
  context: PluginContext;
}

/** The Express application of a plugin: its routes, its webhooks, and the envelope around what they throw. */
export function pluginApp({ pluginId, router, webhooks, context }: Parts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(`${WEBHOOK_PREFIX}/:name`, keepRawBody, readingBody(webhookBody), webhookRoute(webhooks, context));
  app.use(
    `/api/plugins/${pluginId}`,
    readingBody(() => [express.json({ limit: ROUTE_BODY_LIMIT }), express.urlencoded({ extended: true })]),
    router,
  );
  app.use((_req: Request, res: Response) => answerError(res, 404, 'NOT_FOUND', `${pluginId} has no such route`));
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    const status = (error as { status?: unknown } | null)?.status;
    if (res.headersSent) {
      next(error);
      return;
    }
    if (typeof status === 'number' && status >= 400 && status < 500) {
      answerError(res, status, status === 413 ? 'TOO_LARGE' : 'BAD_REQUEST', whyRefused(error as RefusedBody));
      return;
    }
    if (error instanceof SignatureError) {
      context.logger.warn('A webhook was refused', error);
      answerError(res, 401, error.code, 'The signature does not fit');
      return;
    }
    context.logger.error('A route threw an error', error);
    answerError(res, 500, 'HANDLER_FAILED', `${pluginId} could not answer; its log says why`);
  });
  return app;
}

/** What a parser of bodies throws. */
interface RefusedBody extends Error {
  type?: string;
  /** In bytes; with `entity.too.large`. */
  limit?: number;
}

function whyRefused({ type, limit, message }: RefusedBody): string {
  if (type === 'entity.parse.failed') return 'The body is not valid JSON';
  if (type === 'entity.too.large') return `The body is larger than the ${String(limit)} bytes that this route accepts`;
  return message;
}

/** Parsers of bodies, made for the first request that has one: loading them costs as much as the rest of Express. */
function readingBody(make: () => RequestHandler[]): RequestHandler {
  let parsers: Router | undefined;
  return (req, res, next) => {
    const { 'transfer-encoding': encoding, 'content-length': length } = req.headers;
    if (encoding === undefined && length === undefined) {
      next();
      return;
    }
    parsers ??= express.Router().use(make());
    parsers(req, res, next);
  };
}

/** Bodies of webhooks, parsed by their content type; any other is bytes. */
function webhookBody(): RequestHandler[] {
  const limit = WEBHOOK_BODY_LIMIT;
  return [
    express.json({ limit, type: ['application/json', 'application/*+json'], strict: false }),
    express.urlencoded({ limit, extended: true }),
    express.text({ limit, type: 'text/*' }),
    express.raw({ limit, type: () => true }),
  ];
}

/** Keeps the bytes as they were sent, beside the parser that comes next: signatures are made over them, not over what they unpack to. */
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
