import { eventNames, type EventName } from '@verifywise/plugin-types';
import { payloadFields } from '../events/payload-fields.ts';

export type Schema = Readonly<Record<string, unknown>>;

const schemaOfKind: Record<string, Schema> = {
  number: { type: 'number' },
  string: { type: 'string' },
  object: { type: 'object' },
  numbers: { type: 'array', items: { type: 'number' } },
  anything: {},
};

const ref = (schema: string): Schema => ({ $ref: `#/components/schemas/${schema}` });

/** What every envelope has, whatever it carries (contracts/src/envelope.ts). */
export const envelopeSchema: Schema = {
  type: 'object',
  required: ['id', 'type', 'tenant', 'time', 'correlationId', 'source', 'payload'],
  properties: {
    id: { type: 'string', description: 'Unique, and the same on every attempt to send the same thing' },
    type: { type: 'string', description: 'The name of the message: risk.created' },
    tenant: {
      type: ['string', 'null'],
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      description: 'Null when the whole platform is meant',
    },
    time: { type: 'string', format: 'date-time' },
    correlationId: {
      type: 'string',
      description: 'The same for all that follows from one request; the id when there is none',
    },
    traceparent: { type: 'string', description: 'W3C trace context' },
    source: { type: 'string', description: 'Which service or host sends it' },
    payload: {},
  },
};

/** What the payload of every event has beside its own fields (S:17.1). */
export const baseSchemas: Record<string, Schema> = {
  Envelope: envelopeSchema,
  BasePayload: {
    type: 'object',
    required: ['eventId', 'tenant', 'timestamp', 'source'],
    properties: {
      eventId: { type: 'string', format: 'uuid', description: "The envelope's id" },
      tenant: { type: 'string' },
      timestamp: { type: 'string', format: 'date-time' },
      source: { type: 'string' },
    },
  },
  TriggeredBy: {
    type: 'object',
    required: ['userId'],
    properties: { userId: { type: 'number' }, email: { type: 'string' }, name: { type: 'string' } },
  },
};

/** The platform's events that a host publishes; the lifecycle of plugins is told by the platform itself. */
export const hostEvents = eventNames.filter((event) => !event.startsWith('plugin:'));

/** Every event's envelope with its payload, field by field as `emit` checks it. */
export function eventSchema(event: EventName): Schema {
  const kinds = Object.entries(payloadFields[event] as Record<string, string>);
  const required = kinds.filter(([, kind]) => !kind.endsWith('?')).map(([field]) => field);
  const fields = kinds.map(([field, kind]) => [field, schemaOfKind[kind.replace('?', '')] ?? {}] as const);
  const own = {
    type: 'object',
    required: [...required, 'triggeredBy'],
    properties: { ...Object.fromEntries(fields), triggeredBy: ref('TriggeredBy') },
  };
  return {
    allOf: [
      ref('Envelope'),
      {
        type: 'object',
        properties: {
          type: { const: event.replaceAll(':', '.') },
          payload: { allOf: [ref('BasePayload'), own] },
        },
      },
    ],
  };
}
