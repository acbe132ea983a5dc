import type { BaseEventPayload, EventName, EventPayloads } from '@verifywise/plugin-types';

/** What the SDK fills in when the host does not say it. */
type FilledIn = 'eventId' | 'timestamp' | 'source';

type Emitted<Payload> = Omit<Payload, FilledIn> & Partial<Pick<BaseEventPayload, 'eventId' | 'timestamp'>>;

/** The payload of an event of the platform as the host gives it: `tenant`, `triggeredBy` and the event's own fields. */
export type EmittedPayload<Name extends EventName> = Name extends EventName ? Emitted<EventPayloads[Name]> : never;

/** The payload of an event that is not the platform's own. */
interface OtherPayload {
  tenant: string;
  eventId?: string;
  timestamp?: Date;
  [field: string]: unknown;
}

/** What `emit` wants beside the name: typed for the platform's events, open for every other. */
export type PayloadOf<Name extends string> = Name extends EventName ? EmittedPayload<Name> : OtherPayload;
