import type { RequestHandler } from 'express';

/** What stands before the routes. */
export interface Guards {
  identity: RequestHandler;
  /** Honours Idempotency-Key. */
  once: RequestHandler;
}
