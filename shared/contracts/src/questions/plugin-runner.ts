import { partitionQuestion, question } from '../messages.ts';
import type { Surface } from '../surface.ts';

export interface PartitionHolder {
  runnerId: string;
  /** Where other runners reach it over HTTP. */
  url: string;
  /** Grows with every change of holder; what an older epoch finishes late is not recorded. */
  epoch: number;
}
/** Answered by whoever consumes a partition: asking makes it take hold of the partition if it has not yet. */
export const FindHolder = partitionQuestion<{ partition: number }, PartitionHolder>('find-holder');

/** Asked by gateway and host SDK, answered by any runner from the shared table; null when the plugin is not enabled. */
export const FindSurface = question<{ pluginId: string }, Surface | null>('plugin-runner', 'find-surface');

/** Every enabled plugin of the tenant with its surface. */
export const ListSurfaces = question<Record<string, never>, { pluginId: string; version: string; surface: Surface }[]>(
  'plugin-runner',
  'list-surfaces',
);

/** One plugin as the runner that hosts it knows it now; null when its tenant does not have it. */
export interface ShownPlugin {
  version: string;
  stage: string;
  state: string;
  since: string;
  sleeping: boolean;
  waitingEvents: number;
  parkedEvents: number;
  oldestEventAt: string | null;
  condition: 'ok' | 'slow' | 'broken' | 'dependency-down';
  hindrance: string | null;
  lastCrash: { reason: string; message: string; at: string } | null;
}
/** Answered by whoever hosts the tenant. */
export const ShowPlugin = partitionQuestion<{ pluginId: string }, ShownPlugin | null>('show-plugin');

/** A filter's data, written as JSON, may have this many bytes; whoever asks refuses more, and so does the runner of what a handler returns. */
export const FILTER_DATA_LIMIT_BYTES = 5 * 1024 * 1024;

/** One filter over all of the tenant's plugins (contract §1). */
export interface FilterRun {
  filter: string;
  /** JSON, at most FILTER_DATA_LIMIT_BYTES. */
  data: Record<string, unknown>;
}

/** What became of the data, and of the handlers. */
export interface FilterOutcome {
  /** As the last handler that worked left it. */
  data: Record<string, unknown>;
  /** How many handlers changed it or let it pass. */
  applied: number;
  /** Handlers that were left out, and why. */
  errors: { pluginId: string; message: string }[];
}

/** Asked by the host SDK and answered by the tenant's owner: the chain of every plugin's handlers, by priority. */
export const RunFilters = partitionQuestion<FilterRun, FilterOutcome>('run-filters');

/**
 * A body, written as JSON, may have this many bytes (contract §1). Whoever asks leaves larger and streamed ones out of the question: they
 * reach and leave the route unchanged, and plugins see no body.
 */
export const MIDDLEWARE_BODY_LIMIT_BYTES = 5 * 1024 * 1024;

/** A request to the platform's own routes, as its gateway received it. */
export interface HostRequest {
  method: string;
  /** Path and query, as sent: `/api/risks/7?full=1`. */
  url: string;
  /** Plugins do not see `authorization` and `cookie`; the answer has them again, unchanged. */
  headers: Record<string, string | string[]>;
  /** The parsed JSON body, when there is one. */
  body?: unknown;
  /** Who asks, as the platform verified it. */
  user?: { userId: string; role?: string; email?: string; name?: string };
}

/** What the platform's route, or a plugin in its place, answers. */
export interface HostResponse {
  status: number;
  headers: Record<string, string | string[]>;
  /** JSON; when `content-type` says something else, a string to be sent as it is. */
  body?: unknown;
}

/** Own properties that plugins have set on `req`, kept by the host from `before` to `after` and set on its own `req` for the route handler. */
export type MiddlewareState = Record<string, unknown>;

/** One request in one of its two phases; `after` carries what `before` has left. */
export type MiddlewareRun =
  | { phase: 'before'; request: HostRequest }
  | { phase: 'after'; request: HostRequest; state: MiddlewareState; response: HostResponse };

/** A plugin whose middleware was left out, and why. */
export interface MiddlewareFailure {
  pluginId: string;
  message: string;
}

/** Where the request goes on, and as what. */
export type MiddlewareOutcome =
  /** On to the route handler (`request` as changed) or to the client (`response` as changed). */
  | {
      kind: 'continue';
      request: Pick<HostRequest, 'headers' | 'body'>;
      /** In `before` only when a plugin has set a header or status on `res` without answering: what the route's answer starts from. */
      response?: HostResponse;
      state: MiddlewareState;
      failures: MiddlewareFailure[];
    }
  /** A plugin has answered in the route's place; nobody after it was asked. */
  | {
      kind: 'respond';
      pluginId: string;
      response: HostResponse;
      state: MiddlewareState;
      failures: MiddlewareFailure[];
    };

/** Asked by the host SDK once per request and phase, however many plugins take part; answered by the tenant's owner. */
export const RunMiddleware = partitionQuestion<MiddlewareRun, MiddlewareOutcome>('run-middleware');
