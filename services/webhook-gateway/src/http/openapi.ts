import { signatureSchemes } from '@verifywise/plugin-types';
import { route, type JsonSchema } from '@verifywise/service-kit';
import { ACCOUNT } from '../intake/sender-account.ts';

const pluginId: JsonSchema = { type: 'string', maxLength: 50 };
const note: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
export const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const outcomes = ['answered', 'failed', 'timed-out', 'not-enabled'];
/** More than one core of a gateway takes in would be no limit. */
const MOST_PER_MINUTE = 60_000;
const settingKey: JsonSchema = { type: 'string', minLength: 1, maxLength: 128 };

const verify: JsonSchema = {
  type: ['object', 'null'],
  description: 'How the gateway verifies requests; null when the plugin does it. Secrets themselves are never shown',
  required: ['scheme', 'secretConfigKey', 'setBy', 'secretSet'],
  properties: {
    scheme: { enum: [...signatureSchemes] },
    secretConfigKey: { type: 'array', items: { type: 'string' } },
    setBy: { enum: ['plugin', 'admin'] },
    secretSet: {
      type: ['boolean', 'null'],
      description: 'While it is false, every request is refused; null when no installer is there to say',
    },
  },
};

const webhook: JsonSchema = {
  type: 'object',
  required: ['name', 'methods', 'url', 'createdAt', 'verify', 'accounts', 'bodyLimit', 'overflow'],
  properties: {
    name: { type: 'string' },
    methods: { type: 'array', items: { type: 'string' } },
    url: {
      type: 'string',
      description: 'To paste into the settings of the sender; it opens the door, so keep it secret',
    },
    hostUrl: { type: 'string', description: 'The address by host name, where the platform has those' },
    sharedUrl: { type: 'string', description: 'The address of all tenants, where accounts are claimed' },
    createdAt: { type: 'string', format: 'date-time' },
    verify,
    accounts: { type: 'array', items: { type: 'string' } },
    bodyLimit: { type: 'integer', description: 'Bytes of the largest body' },
    overflow: { enum: ['reject', 'queue'], description: 'What happens to requests beyond the limit per minute' },
  },
};

const requestsPerMinute: JsonSchema = { type: 'integer', minimum: 1, maximum: MOST_PER_MINUTE };
const rotated: JsonSchema = {
  type: 'object',
  required: [...(webhook.required as string[]), 'previousUntil'],
  properties: { ...(webhook.properties as object), previousUntil: time },
};

const summary: Record<string, JsonSchema> = {
  requestId: uuid,
  webhook: { type: 'string' },
  method: { type: 'string' },
  url: { type: 'string', description: 'Path and query after the name of the webhook, without its token' },
  bodyBytes: { type: 'integer' },
  receivedAt: { type: 'string', format: 'date-time' },
  finishedAt: time,
  state: { enum: ['accepted', 'sent', 'finished'] },
  outcome: { enum: [...outcomes, null] },
  answerStatus: { type: ['integer', 'null'] },
  error: note,
  tookMs: { type: ['integer', 'null'] },
  deliveryId: { ...note, description: "The sender's own name of the delivery, by which repetitions are told" },
  replayOf: { type: ['string', 'null'], format: 'uuid' },
};

/** Parameters of a path below a plugin. */
export function params(...names: ('name' | 'requestId')[]): JsonSchema {
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
          required: ['enabled', 'requestsPerMinute', 'webhooks', 'requests'],
          properties: {
            enabled: { type: 'boolean' },
            requestsPerMinute,
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
    query: {
      type: 'object',
      properties: {
        limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
        before: { type: 'string', format: 'date-time', description: 'Received before this moment: the next page' },
        webhook: { type: 'string', maxLength: 128 },
        outcome: { enum: outcomes },
      },
    },
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
            bodyBase64: { ...note, description: 'Null when it is larger than 1 MB; …/body has it' },
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
    answers: { 200: { description: 'The new URL, and until when the one before is valid', data: rotated } },
  }),
  change: route({
    method: 'put',
    path: '/api/plugins/:id/webhooks/:name/settings',
    summary:
      'Says how requests are verified (null: as the plugin declares), and which accounts at the sender are the tenant’s',
    role: 'Admin',
    params: params('name'),
    body: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        verify: {
          type: ['object', 'null'],
          additionalProperties: false,
          required: ['scheme', 'secretConfigKey'],
          properties: {
            scheme: { enum: [...signatureSchemes, 'standard-webhooks'] },
            secretConfigKey: {
              anyOf: [settingKey, { type: 'array', minItems: 1, maxItems: 10, items: settingKey }],
              description: 'Settings of the plugin that hold a secret; any one of them counts',
            },
          },
        },
        accounts: {
          type: 'array',
          maxItems: 100,
          items: { type: 'string', pattern: ACCOUNT },
          description: 'slack:<team id> or github:<installation id>; all of them, so an empty list claims none',
        },
      },
    },
    answers: { 200: { description: 'The webhook as it is now', data: webhook } },
  }),
  rateLimit: route({
    method: 'put',
    path: '/api/plugins/:id/webhooks/rate-limit',
    summary: 'Sets how many requests a minute the plugin gets; null is the limit of the platform',
    role: 'Admin',
    params: params(),
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['requestsPerMinute'],
      properties: { requestsPerMinute: { ...requestsPerMinute, type: ['integer', 'null'] } },
    },
    answers: {
      200: {
        description: 'What counts now',
        data: { type: 'object', required: ['requestsPerMinute'], properties: { requestsPerMinute } },
      },
    },
  }),
};
