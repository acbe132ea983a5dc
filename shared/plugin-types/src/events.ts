import type { PluginContext } from './context.ts';
import type { EventName, EventPayloads } from './event-payloads.ts';
import type { Backoff } from './scheduler.ts';

/** What every event carries (S:17.1, contract §1). */
export interface BaseEventPayload {
  /** The same on every delivery of one event. Deliveries may repeat after a crash: this tells a repetition. */
  eventId: string;
  tenant: string;
  /** When it happened. */
  timestamp: Date;
  /** Which service or plugin (`plugin:<id>`) published it. */
  source: string;
}

/** An event that a person caused. */
export interface UserEventPayload extends BaseEventPayload {
  triggeredBy: {
    userId: number;
    email?: string;
    name?: string;
  };
}

/** The payload of an event whose fields are not known here: one of a plugin's own. */
export interface EventPayload extends BaseEventPayload {
  triggeredBy?: UserEventPayload['triggeredBy'];
  [field: string]: unknown;
}

/** An entity of the platform as the event carries it: JSON, so dates in it are ISO strings. */
export interface EventEntity {
  id: number;
  [field: string]: unknown;
}

/** What an update changed, by field (S:17.4). */
export type Changes = Record<string, { before: unknown; after: unknown }>;

/**
 * Called once per event, in the order they happened in the tenant, the next one after this one has settled.
 * Throwing is logged and kept as a failed delivery that an admin can replay; the next event comes all the same (S:14.2).
 */
export type EventHandler<Payload = EventPayload> = (payload: Payload, context: PluginContext) => void | Promise<void>;

/** What `context.on` may be told beside the handler. */
export interface EventOptions {
  /**
   * Has a handler that throws called again, before the next event comes, so that the order is kept: `attempts` times in all, the first
   * included, at most 20. No wait is longer than a minute. Handlers of the same event that worked are not called again.
   */
  readonly retry?: { readonly attempts: number; readonly backoff: Backoff };
  /**
   * A field of the payload that says what the event is about, such as `riskId`. Events with the same value of it come in order, one after
   * the other; up to eight with different values are handled at the same time. It counts when every handler of the plugin for this
   * event names the same field; an event without it, or of another name, still waits for all before it and keeps all behind it waiting.
   */
  readonly orderedBy?: string;
}

/** Handlers by event name. A handler for an event that is not the platform's own says the type of its payload itself. */
export type EventHandlers = {
  [Name in EventName]?: EventHandler<EventPayloads[Name]>;
} & Record<string, EventHandler<never> | undefined>;
