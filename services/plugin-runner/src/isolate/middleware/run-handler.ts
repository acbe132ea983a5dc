import { PlatformError } from '@verifywise/contracts';
import type { MiddlewareContext, MiddlewareExchangeHandler, PluginMiddlewareHandler } from '@verifywise/plugin-types';
import { originals } from '../originals.ts';
import type { ExchangeState } from './exchange-state.ts';
import type { Exchange } from './exchange.ts';

export type MiddlewareHandler = PluginMiddlewareHandler | MiddlewareExchangeHandler;

/** How one handler ended. */
export type HandlerEnd =
  | { kind: 'next'; state: ExchangeState }
  | { kind: 'answered'; state: ExchangeState }
  | { kind: 'failed'; error: unknown };

export interface HandlerRun {
  handler: MiddlewareHandler;
  context: MiddlewareContext;
  limitMs: number;
  /** Makes the handler's request and response; `ended` is for when it has answered. */
  open: (ended: () => void) => Exchange;
  /** An error of a handler that had gone on or answered already. */
  late: (error: unknown) => void;
}

/**
 * Runs one handler until it goes on, answers or fails, whichever is first: what it does after that changes nothing. Neither `next()`
 * nor an answer within the limit is a failure.
 */
export function runHandler({ handler, context, limitMs, open, late }: HandlerRun): Promise<HandlerEnd> {
  if (limitMs <= 0) {
    const error = new PlatformError('HANDLER_TIMED_OUT', 'No time was left for the middleware');
    return Promise.resolve({ kind: 'failed', error });
  }
  return new Promise((resolve) => {
    let over = false;
    const timer = originals.setTimeout(() => {
      const message = `Neither next() nor an answer came within ${Math.round(limitMs)} ms`;
      failed(new PlatformError('HANDLER_TIMED_OUT', message));
    }, limitMs);
    const end = (how: () => HandlerEnd): void => {
      if (over) return;
      over = true;
      originals.clearTimeout(timer);
      try {
        resolve(how());
      } catch (error) {
        resolve({ kind: 'failed', error });
      }
    };
    const failed = (error: unknown): void => {
      if (over) late(error);
      else end(() => ({ kind: 'failed', error }));
    };

    const exchange = open(() => end(() => ({ kind: 'answered', state: exchange.answered() })));
    const next = (error?: unknown): void => {
      // Express's words for "leave this route", which is not ours to leave.
      if (!error || error === 'route' || error === 'router') end(() => ({ kind: 'next', state: exchange.passedOn() }));
      else failed(error);
    };
    void call(handler, exchange, next, context).catch(failed);
  });
}

/** The two shapes of contract §1, told apart by the number of parameters. */
async function call(
  handler: MiddlewareHandler,
  { req, res }: Exchange,
  next: (error?: unknown) => void,
  context: MiddlewareContext,
): Promise<void> {
  if (handler.length === 2) await (handler as MiddlewareExchangeHandler)({ req, res, ...context }, next);
  else await (handler as PluginMiddlewareHandler)(req, res, next, context);
}
