import { route, type JsonSchema } from '@verifywise/service-kit';
import { SENDER_STATUSES } from './intake-routes.ts';

const pluginId: JsonSchema = { type: 'string', maxLength: 50 };
const note: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const uuid: JsonSchema = { type: 'string', format: 'uuid' };

const webhook: JsonSchema = {
  type: 'object',
  required: ['name', 'methods', 'url', 'createdAt'],
  properties: {
    name: { type: 'string' },
    methods: { type: 'array', items: { type: 'string' } },
    url: {
      type: 'string',
      description: 'To paste into the settings of the sender; it opens the door, so keep it secret',
    },
    hostUrl: { type: 'string', description: 'The address by host name, where the platform has those' },
    createdAt: { type: 'string', format: 'date-time' },
  },
};

const summary: Record<string, JsonSchema> = {
  requestId: uuid,
  webhook: { type: 'string' },
  method: { type: 'string' },
  url: { type: 'string' },
  receivedAt: { type: 'string', format: 'date-time' },
  finishedAt: time,
  state: { enum: ['accepted', 'sent', 'finished'] },
  outcome: { ...note, description: 'answered, failed, timed-out or not-enabled' },
  answerStatus: { type: ['integer', 'null'] },
  error: note,
  tookMs: { type: ['integer', 'null'] },
  replayOf: { type: ['string', 'null'], format: 'uuid' },
};

function params(...names: ('name' | 'requestId')[]): JsonSchema {
  const known = { name: { type: 'string', maxLength: 128 }, requestId: uuid };
  const others = Object.fromEntries(names.map((name) => [name, known[name]]));
  return { type: 'object', required: ['id', ...names], properties: { id: pluginId, ...others } };
}

/** What admins may ask; it checks the requests and tells /openapi.json. */
export const webhookRoutesDescribed = {
  list: route({
    method: 'get',
    path: '/api/plugins/:id/webhooks',
    summary: 'The webhooks of a plugin with the URLs for their senders, and recent requests',
    role: 'Admin',
    params: params(),
    answers: {
      200: {
        description: 'URLs are made when they are first asked for',
        data: {
          type: 'object',
          required: ['enabled', 'webhooks', 'requests'],
          properties: {
            enabled: { type: 'boolean' },
            webhooks: { type: 'array', items: webhook },
            requests: { type: 'array', items: { type: 'object', properties: summary } },
          },
        },
      },
    },
  }),
  requests: route({
    method: 'get',
    path: '/api/plugins/:id/webhooks/requests',
    summary: 'Requests that were accepted, newest first; they are kept for seven days',
    role: 'Admin',
    params: params(),
    query: { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 } } },
    answers: {
      200: { description: 'Newest first', data: { type: 'array', items: { type: 'object', properties: summary } } },
    },
  }),
  request: route({
    method: 'get',
    path: '/api/plugins/:id/webhooks/requests/:requestId',
    summary: 'One request with its bytes and the answer of the plugin; headers with secrets are masked',
    role: 'Admin',
    params: params('requestId'),
    answers: {
      200: {
        description: 'The request',
        data: {
          type: 'object',
          properties: {
            ...summary,
            headers: { type: 'object' },
            bodyBase64: { type: 'string' },
            answerHeaders: { type: ['object', 'null'] },
            answerBodyBase64: note,
          },
        },
      },
    },
  }),
  replay: route({
    method: 'post',
    path: '/api/plugins/:id/webhooks/requests/:requestId/replay',
    summary: 'Delivers a request again, as a new one, to the plugin as it is now',
    role: 'Admin',
    params: params('requestId'),
    answers: {
      202: {
        description: 'It is on its way',
        data: { type: 'object', required: ['requestId', 'replayOf'], properties: { requestId: uuid, replayOf: uuid } },
      },
    },
  }),
  rotate: route({
    method: 'post',
    path: '/api/plugins/:id/webhooks/:name/token',
    summary: 'Gives a webhook a new URL; the one before stays valid for the overlap (a day unless said)',
    role: 'Admin',
    params: params('name'),
    body: {
      type: 'object',
      additionalProperties: false,
      properties: { overlapSeconds: { type: 'integer', minimum: 0, maximum: 2_592_000 } },
    },
    answers: { 200: { description: 'The new URL, and until when the one before is valid', data: webhook } },
  }),
};

const answersToSenders = {
  200: 'The plugin answered in time: its status, headers and body',
  [SENDER_STATUSES.accepted]: {
    description: 'Stored and on its way to the plugin',
    data: { type: 'object', required: ['requestId'], properties: { requestId: uuid } },
  },
  [SENDER_STATUSES.none]: 'No such webhook, whatever was wrong with the address',
  [SENDER_STATUSES.tooLarge]: 'The body is too large',
  [SENDER_STATUSES.limited]: 'Too many requests; Retry-After says when to send again',
};

/** What senders may do; other methods too, when the plugin declares them. */
export const intakeRoutesDescribed = [
  route({
    method: 'post',
    path: '/api/plugins/:id/webhooks/:name/:token',
    summary: 'Takes a webhook in, its tenant told by the endpoint token (also as ?token=)',
    role: 'none',
    answers: answersToSenders,
  }),
  route({
    method: 'post',
    path: '/api/plugins/:id/webhooks/:name',
    summary: 'Takes a webhook in, its tenant told by the host name',
    role: 'none',
    answers: answersToSenders,
  }),
];
