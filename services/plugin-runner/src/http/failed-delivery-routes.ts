import type { JsonSchema } from '@verifywise/service-kit';
import { pageQuery, pageSchema, personSchema, route } from '@verifywise/service-kit';

const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const uuid: JsonSchema = { type: 'string', format: 'uuid' };

const filters = {
  fingerprint: { ...text, pattern: '^[0-9a-f]{16}$', description: 'Only failures that are alike' },
  event: { ...text, maxLength: 200, description: 'Only failures at this event, such as risk:created' },
  since: { ...time, description: 'Failed at this moment or later' },
  until: { ...time, description: 'Failed before this moment' },
};
const selection: JsonSchema = {
  type: 'object',
  properties: {
    ids: { type: 'array', minItems: 1, maxItems: 1_000, items: uuid },
    ...filters,
    dryRun: { type: 'boolean', description: 'Only says how many it would be' },
  },
  additionalProperties: false,
};
const ofPlugin: JsonSchema = { type: 'object', required: ['id'], properties: { id: { ...text, maxLength: 50 } } };
const ofDelivery: JsonSchema = {
  type: 'object',
  required: ['id', 'deliveryId'],
  properties: { id: { ...text, maxLength: 50 }, deliveryId: uuid },
};

const line = {
  id: uuid,
  event: text,
  eventId: text,
  version: { ...text, description: 'Of the plugin that failed' },
  handler: { type: 'integer', description: 'Which of its handlers, from 0; -1 when nobody knows' },
  attempts: count,
  fingerprint: text,
  error: { type: 'object', required: ['message'], properties: { message: text, stack: text } },
  failedAt: time,
};
const outcome: JsonSchema = {
  type: 'object',
  properties: {
    replayed: { ...count, description: 'Wait for the plugin again, behind what waits for it' },
    waiting: { ...count, description: 'Stay as they are: their event waits for the plugin already' },
    more: { type: 'boolean', description: 'There are more than are replayed at once; ask again' },
    wouldReplay: count,
  },
};

/** The routes of failed deliveries: what checks the requests is what /openapi.json tells. */
export const failedDeliveryRoutes = {
  list: route({
    method: 'get',
    path: '/api/plugins/:id/deliveries',
    summary: "Events that the plugin's handlers have failed at, newest first",
    role: 'Admin',
    params: ofPlugin,
    query: { type: 'object', properties: { ...filters, ...pageQuery } },
    answers: {
      200: {
        description: 'Failed deliveries without their events',
        data: pageSchema({ type: 'object', properties: line }),
      },
    },
  }),
  groups: route({
    method: 'get',
    path: '/api/plugins/:id/deliveries/groups',
    summary: 'Failed deliveries by what went wrong; the last that failed first',
    role: 'Admin',
    params: ofPlugin,
    answers: {
      200: {
        description: 'One for each event and kind of error',
        data: {
          type: 'object',
          properties: {
            groups: {
              type: 'array',
              items: {
                type: 'object',
                properties: { fingerprint: text, event: text, message: text, count, firstAt: time, lastAt: time },
              },
            },
          },
        },
      },
    },
  }),
  audit: route({
    method: 'get',
    path: '/api/plugins/:id/deliveries/audit',
    summary: 'Who replayed and discarded failed deliveries of the plugin, newest first',
    role: 'Admin',
    params: ofPlugin,
    query: { type: 'object', properties: pageQuery },
    answers: {
      200: {
        description: 'What was done',
        data: pageSchema({
          type: 'object',
          properties: {
            id: text,
            at: time,
            action: { enum: ['replay', 'discard'] },
            actor: personSchema,
            selection,
            count,
          },
        }),
      },
    },
  }),
  show: route({
    method: 'get',
    path: '/api/plugins/:id/deliveries/:deliveryId',
    summary: 'A failed delivery with its event',
    role: 'Admin',
    params: ofDelivery,
    answers: { 200: { description: 'All of it', data: { type: 'object', properties: { ...line, payload: {} } } } },
  }),
  replay: route({
    method: 'post',
    path: '/api/plugins/:id/deliveries/replay',
    summary: 'Gives failed deliveries to the handlers that failed again: all of them, or those that fit',
    role: 'Admin',
    params: ofPlugin,
    body: selection,
    answers: { 200: { description: 'What came of it', data: outcome } },
  }),
  replayOne: route({
    method: 'post',
    path: '/api/plugins/:id/deliveries/:deliveryId/replay',
    summary: 'Gives one failed delivery to the handler that failed again',
    role: 'Admin',
    params: ofDelivery,
    answers: { 200: { description: 'What came of it', data: outcome } },
  }),
  discard: route({
    method: 'post',
    path: '/api/plugins/:id/deliveries/discard',
    summary: 'Removes failed deliveries: all of them, or those that fit',
    role: 'Admin',
    params: ofPlugin,
    body: selection,
    answers: {
      200: {
        description: 'How many were removed',
        data: { type: 'object', properties: { discarded: count, wouldDiscard: count } },
      },
    },
  }),
};
