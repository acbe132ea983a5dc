import type { NextFunction, Response } from 'express';
import type { PluginRequest } from './request.ts';

/** Whether a middleware runs before the platform's route handler or after it (S:23). */
export type MiddlewarePosition = 'before' | 'after';

/**
 * The request as the platform received it, each handler with its own copy. Changes of `headers` and `body` reach the route; own
 * properties set on it in `before` are there again in `after` and in other plugins' middleware; they must be JSON.
 * A request without a body has an empty one. The caller's `authorization` and `cookie` are not among the headers.
 */
export interface MiddlewareRequest extends PluginRequest {
  [property: string]: unknown;
}

/**
 * In `after`, `locals.responseBody` is the body the route has answered; changing or replacing it changes the answer (S:23.6), and so do
 * `status` and `set`. Headers set in `before` are part of whatever the route answers. An answer is JSON or text, at most 5 MB.
 */
export type MiddlewareResponse = Response;

/** Whose middleware runs, for whom. */
export interface MiddlewareContext {
  pluginId: string;
  tenant: string;
}

/**
 * S:23.4. Calling `next()` goes on; answering without it ends the chain; neither within the time limit: see `failClosed`. One that fails
 * leaves nothing of what it did behind. Name at least three parameters: two stand for the other shape.
 */
export type PluginMiddlewareHandler = (
  req: MiddlewareRequest,
  res: MiddlewareResponse,
  next: NextFunction,
  context: MiddlewareContext,
) => void | Promise<void>;

/** The other shape, told apart by its two parameters. */
export type MiddlewareExchangeHandler = (
  exchange: { req: MiddlewareRequest; res: MiddlewareResponse; pluginId: string; tenant: string },
  next: NextFunction,
) => void | Promise<void>;

/** What `add` may be told beside the handler. */
export interface MiddlewareOptions {
  /** When it throws or does not answer in time, the request is answered with 503; without it the chain goes on. */
  failClosed?: boolean;
}

/** One middleware as `list` answers it. */
export interface MiddlewareEntry {
  id: string;
  pattern: string;
  position: MiddlewarePosition;
  failClosed: boolean;
}

/**
 * Middleware around the platform's own routes, for requests of this tenant (S:23). Needs `middleware:inject`.
 * Patterns are whole paths: `/api/users`, `/api/users/:id`, `/api/risks/*` (which also matches `/api/risks`).
 * First registered runs first. All of it is gone after disable: add it in `onEnable`.
 */
export interface MiddlewareApi {
  /** Answers an id to remove it by. A pattern that is no path throws with code `MIDDLEWARE_INVALID`. */
  add(
    pattern: string,
    position: MiddlewarePosition,
    handler: PluginMiddlewareHandler | MiddlewareExchangeHandler,
    options?: MiddlewareOptions,
  ): string;
  /** True when there was one of this id. */
  remove(id: string): boolean;
  /** How many there were. */
  removeAll(): number;
  /** In the order in which they were added. */
  list(): MiddlewareEntry[];
  has(id: string): boolean;
}
