import type {
  HostRequest,
  HostResponse,
  MiddlewareOutcome,
  MiddlewareRun,
  MiddlewareState,
} from '@verifywise/contracts';
import { RunMiddleware } from '@verifywise/contracts';
import type { TenantAsking } from '../asking/tenant-asking.ts';
import { NotAskedError } from '../asking/tenant-asking.ts';
import type { Log } from '../log.ts';
import { inTime } from '../asking/in-time.ts';
import type { TenantOffer } from '../surfaces/tenant-offer.ts';
import { matching } from '../surfaces/tenant-offer.ts';
import type { TenantOffers } from '../surfaces/tenant-offers.ts';
import { bytesOfBody, changeHead, fitBody, hostResponseOf } from './answer-exchange.ts';
import { sendAsItIs, sendChanged, sendInstead } from './answered.ts';
import { hideConditions } from './conditions.ts';
import { holdAnswer } from './hold-answer.ts';
import type { HostIdentity, HostIncoming, HostOutgoing } from './host-exchange.ts';
import { urlOf } from './host-exchange.ts';
import { changeRequest, hostRequestOf } from './request-exchange.ts';

export interface PluginMiddlewareOptions {
  /** Milliseconds that plugins may hold up a request before its route, and again after it; default 200. */
  deadlineMs?: number;
  /**
   * What happens to a request when plugins cannot be asked: it goes on without them (false, the default), or is answered with 503 (true).
   * A plugin's own middleware that fails closed does so in either case, as far as it is known.
   */
  failClosed?: boolean;
}

/** Middleware of Express 4 or 5, or of anything else with `(req, res, next)`. */
export type PluginMiddleware = (req: HostIncoming, res: HostOutgoing, next: (error?: unknown) => void) => void;

export interface PluginMiddlewareParts {
  identity: (req: HostIncoming) => HostIdentity | undefined;
  offers: TenantOffers;
  ask: TenantAsking;
  log: Log;
}

/** A user waits for it, twice a request. */
const DEADLINE_MS = 200;

/** One request on its way through a tenant's plugins. */
interface Passage {
  req: HostIncoming;
  res: HostOutgoing;
  tenant: string;
  /** As it came, or as plugins have left it. */
  request: HostRequest;
  state: MiddlewareState;
}

/** Middleware of plugins around the host's routes (S:23). See `PluginHost.pluginMiddleware`. */
export function createPluginMiddleware(
  { identity, offers, ask, log }: PluginMiddlewareParts,
  { deadlineMs = DEADLINE_MS, failClosed = false }: PluginMiddlewareOptions = {},
): PluginMiddleware {
  const seen = new WeakSet<HostIncoming>();

  return (req, res, next) => {
    const who = identity(req);
    // Mounted twice, it would have plugins change what they have changed already.
    if (who === undefined || seen.has(req)) {
      next();
      return;
    }
    const offer = offers.of(who.tenant);
    if (offer !== undefined && !(offer instanceof Promise) && !isFor(offer, req)) {
      next();
      return;
    }
    seen.add(req);
    void pass(req, res, who, offer)
      .catch((error: unknown) => {
        log.error({ err: error, tenant: who.tenant }, 'A request could not be taken through plugins');
        return !failClosed || refuse(res);
      })
      .then((goesOn) => {
        if (goesOn) next();
      });
  };

  /** True when the route is next; false when the request is answered. */
  async function pass(
    req: HostIncoming,
    res: HostOutgoing,
    who: HostIdentity,
    asking: ReturnType<TenantOffers['of']>,
  ): Promise<boolean> {
    const offer = await inTime(asking, deadlineMs);
    if (offer === undefined) return !failClosed || refuse(res);
    const passage: Passage = { req, res, tenant: who.tenant, request: hostRequestOf(req, who), state: {} };
    const [before, after] = [matching(offer.before, urlOf(req)), matching(offer.after, urlOf(req))];
    if (before !== 'nothing' && !(await passBefore(passage, before))) return false;
    if (after !== 'nothing') holdForPlugins(passage, after);
    return true;
  }

  async function passBefore(passage: Passage, posts: 'open' | 'closed'): Promise<boolean> {
    const { req, res, request } = passage;
    const outcome = await askOf(passage, { phase: 'before', request });
    // Somebody else, such as a time limit of the host, has answered in the meantime.
    if (res.headersSent) return false;
    if (outcome === undefined) return (posts === 'open' && !failClosed) || refuse(res);
    passage.state = outcome.state;
    if (outcome.kind === 'respond') {
      answer(res, outcome.response);
      return false;
    }
    changeRequest(req, request, outcome);
    passage.request = { ...request, ...outcome.request };
    if (outcome.response !== undefined) report(passage, changeHead(res, outcome.response));
    return true;
  }

  function holdForPlugins(passage: Passage, posts: 'open' | 'closed'): void {
    const { req, res } = passage;
    const showConditions = hideConditions(req);
    holdAnswer(res, {
      held(held) {
        showConditions();
        const asked = hostResponseOf(req, res, held.bytes);
        const { statusCode, statusMessage } = res;
        void askAfter(passage, asked)
          .then((outcome) => {
            // The status is the one that was held, whatever the host has done to it since.
            Object.assign(res, { statusCode, statusMessage });
            if (outcome !== undefined) sendChanged({ req, res, held, asked }, outcome, log);
            else if (posts === 'closed' || failClosed) sendInstead(res, held, unavailable());
            else sendAsItIs({ req, res, held });
          })
          .catch((error: unknown) => {
            log.error({ err: error, tenant: passage.tenant }, 'An answer could not be taken through plugins');
            held.send();
          });
      },
      streamed() {
        showConditions();
        // Plugins are told of it when it is through; there is nothing left that they could change.
        res.once('finish', () => void askAfter(passage, hostResponseOf(req, res, undefined)));
      },
    });
  }

  function askAfter(passage: Passage, response: HostResponse): Promise<MiddlewareOutcome | undefined> {
    return askOf(passage, { phase: 'after', request: passage.request, state: passage.state, response });
  }

  /** Undefined when nobody could say anything in time. */
  async function askOf({ tenant }: Passage, run: MiddlewareRun): Promise<MiddlewareOutcome | undefined> {
    try {
      const outcome = await ask(RunMiddleware, { tenant, payload: run }, deadlineMs);
      const { failures } = outcome;
      if (failures.length > 0) log.debug({ ...about(tenant, run), failures }, 'Middleware of plugins was left out');
      return outcome;
    } catch (error) {
      // Not once more for every request while nobody is asked at all.
      const say = error instanceof NotAskedError ? 'debug' : 'warn';
      log[say]({ err: error, ...about(tenant, run) }, 'Plugins could not be asked about a request');
      return undefined;
    }
  }

  function report({ tenant }: Passage, refused: unknown[]): void {
    for (const error of refused) log.warn({ err: error, tenant }, 'A header that a plugin has set cannot be sent');
  }
}

function isFor(offer: TenantOffer, req: HostIncoming): boolean {
  const url = urlOf(req);
  return matching(offer.before, url) !== 'nothing' || matching(offer.after, url) !== 'nothing';
}

function about(tenant: string, { phase, request }: MiddlewareRun): Record<string, unknown> {
  return { tenant, phase, method: request.method, path: request.url.split('?', 1)[0] };
}

function answer(res: HostOutgoing, response: HostResponse): void {
  changeHead(res, response);
  const bytes = bytesOfBody(response);
  fitBody(res, bytes);
  res.end(bytes);
}

function refuse(res: HostOutgoing): false {
  answer(res, unavailable());
  return false;
}

/** The request was neither let through nor refused by anybody's decision. */
function unavailable(): HostResponse {
  const message = 'Plugins guard this request and could not be asked whether it may pass; try again in a moment';
  return {
    status: 503,
    headers: { 'content-type': 'application/json; charset=utf-8', 'retry-after': '1' },
    body: { success: false, error: { code: 'UNAVAILABLE', message } },
  };
}
