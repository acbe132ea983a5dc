import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { format } from 'node:util';
import express from 'express';
import type { Express } from 'express';
import type { MiddlewareRequest, MiddlewareResponse } from '@verifywise/plugin-types';
import type { MiddlewareCall } from '../protocol.ts';
import type { ExchangeState } from './exchange-state.ts';
import { textOf, valueOf } from './exchange-state.ts';
import type { Written } from './memory-response.ts';
import { bodyOf, headOf, keepInMemory } from './memory-response.ts';
import { collect, requestsOwn, restore } from './own-properties.ts';

/** One handler's own request and response; nothing of them is shared with other handlers. */
export interface Exchange {
  req: MiddlewareRequest;
  res: MiddlewareResponse;
  /** What goes on to the next handler. Throws when a body is no JSON or too large. */
  passedOn(): ExchangeState;
  /** What goes to the client in the route's place; throws as `passedOn`. */
  answered(): ExchangeState;
}

export interface ExchangeAbout {
  call: Pick<MiddlewareCall, 'phase' | 'request'>;
  params: Record<string, string>;
  tenant: string;
  /** The handler has ended the response. */
  ended: () => void;
  dropped: (name: string, why: string) => void;
}

/** Makes requests and responses as Express's handlers know them, without a socket behind. */
export class Exchanges {
  readonly #app: Express = express();

  constructor() {
    this.#app.disable('x-powered-by');
    // A tag and a length are for what is really sent, and that is the host's to know.
    this.#app.disable('etag');
  }

  open(state: ExchangeState, { call, params, tenant, ended, dropped }: ExchangeAbout): Exchange {
    const { phase, request } = call;
    const req = this.#request(request.method, request.url, state.headers);
    const { user } = request;
    // Without a body there is an empty one, so that the spec's `const { title } = req.body` (S:23.9) finds nothing instead of failing.
    Object.assign(req, { params, tenantId: tenant, body: valueOf(state.body) ?? {} });
    if (user) Object.assign(req, { userId: user.userId, ...(user.role === undefined ? {} : { role: user.role }) });
    const res = this.#response(req);
    const isTaken = requestsOwn(req);
    restore(req, state.own, isTaken);

    let written: Written = { content: Buffer.alloc(0), bytes: 0 };
    res.statusCode = state.response.status;
    for (const [name, value] of Object.entries(state.response.headers)) res.setHeader(name, value);
    if (phase === 'after') res.locals.responseBody = valueOf(state.response.body);
    keepInMemory(res, (all) => {
      written = all;
      ended();
    });

    const read = (): ExchangeState => {
      const body = textOf(req.body);
      return {
        headers: headersOf(req),
        body: state.body === undefined && body === '{}' ? undefined : body,
        own: collect(req, isTaken, dropped),
        response: { ...headOf(res), body: phase === 'after' ? textOf(res.locals.responseBody) : undefined },
      };
    };
    return {
      req,
      res,
      passedOn: read,
      answered: () => ({ ...read(), response: { ...headOf(res), body: bodyOf(res, written) } }),
    };
  }

  #request(method: string, url: string, headers: ExchangeState['headers']): MiddlewareRequest {
    // Who is at the other end of the platform's connection is not told: `req.ip` is undefined.
    const nobody = { encrypted: false, destroy: () => undefined } as unknown as Socket;
    const req = new IncomingMessage(nobody);
    req.method = method;
    req.url = url;
    req.headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? [...value] : value]),
    );
    req.httpVersion = '1.1';
    // The body has been read: whoever reads the stream finds its end.
    req.complete = true;
    req.push(null);
    Object.setPrototypeOf(req, this.#app.request as object);
    return Object.assign(req as MiddlewareRequest, { originalUrl: url, baseUrl: '', res: undefined });
  }

  #response(req: MiddlewareRequest): MiddlewareResponse {
    const res = new ServerResponse(req);
    Object.setPrototypeOf(res, this.#app.response as object);
    const made = Object.assign(res as unknown as MiddlewareResponse, { locals: {}, req });
    req.res = made;
    return made;
  }
}

function headersOf(req: MiddlewareRequest): ExchangeState['headers'] {
  const headers = Object.entries(req.headers).flatMap(([name, value]) => {
    // Plugins set numbers and nulls too, whatever the type says.
    const known = value as unknown;
    if (known === undefined || known === null) return [];
    return [[name.toLowerCase(), Array.isArray(known) ? known.map(String) : format(known)] as const];
  });
  return Object.fromEntries(headers);
}
