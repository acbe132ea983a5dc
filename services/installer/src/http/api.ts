import { ADMIN_ROLE, type Identity } from '@verifywise/contracts';
import {
  checked,
  idempotent,
  identityCheck,
  identityOf,
  jsonBody,
  requireRole,
  type IdempotentAnswers,
  type IdentitySettings,
  type OpenApiRoute,
} from '@verifywise/service-kit';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { assertPluginId } from './names.ts';

/** Routes that are served and described by the same words. */
export interface Api {
  readonly router: Router;
  readonly routes: OpenApiRoute[];
  /** `read` reads a body that is no JSON before anything else is done with it. */
  add(described: OpenApiRoute, handle: Handle, read?: ReadBody): void;
}

export type Handle = (req: Request, res: Response, who: Identity) => Promise<void>;

/** Reads what was sent, and answers what makes it the same when it is sent again. */
export type ReadBody = (req: Request, res: Response) => Promise<unknown>;

/** An API of this service: who asks is checked first, then the role, then the shape of what was sent. */
export function createApi(settings: IdentitySettings, answers: IdempotentAnswers): Api {
  const router = express.Router();
  const routes: OpenApiRoute[] = [];
  const identity = identityCheck(settings);
  const admin = requireRole(ADMIN_ROLE);
  const contents = new WeakMap<Request, unknown>();
  const once = idempotent(answers, { contentOf: (req) => contents.get(req) ?? (req.body as unknown) });
  return {
    router,
    routes,
    add(described, handle, read) {
      const isJson = described.bodyType === undefined;
      const handlers: RequestHandler[] = [
        identity,
        ...(described.role === 'Admin' ? [admin] : []),
        knownPlugin,
        ...(described.body !== undefined && isJson
          ? [jsonBody(), checked(strict(described))]
          : [checkedPath(strict(described))]),
        ...(read === undefined ? [] : [reading(read, contents)]),
        ...(described.method === 'post' ? [once] : []),
        (req, res) => handle(req, res, identityOf(req)),
      ];
      router[described.method](described.path, ...handlers);
      routes.push(described);
    },
  };
}

function reading(read: ReadBody, contents: WeakMap<Request, unknown>): RequestHandler {
  return async (req, res, next) => {
    contents.set(req, await read(req, res));
    next();
  };
}

/** What is not known in a query is refused, as in a body: it would be taken for something that was heeded. */
function strict(described: OpenApiRoute): OpenApiRoute {
  return { ...described, query: { type: 'object', additionalProperties: false, ...described.query } };
}

function checkedPath({ query, params }: OpenApiRoute): RequestHandler {
  return checked({ ...(query === undefined ? {} : { query }), ...(params === undefined ? {} : { params }) });
}

const knownPlugin: RequestHandler = (req, _res, next) => {
  const { id } = req.params;
  if (typeof id === 'string') assertPluginId(id);
  next();
};

/** The plugin that the path names. */
export function pluginIn(req: Request): string {
  return String(req.params.id);
}
