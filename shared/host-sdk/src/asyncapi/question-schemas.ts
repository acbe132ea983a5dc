import { FILTER_DATA_LIMIT_BYTES, MIDDLEWARE_BODY_LIMIT_BYTES } from '@verifywise/contracts';
import type { Schema } from './event-schemas.ts';

const headers: Schema = {
  type: 'object',
  additionalProperties: { type: ['string', 'array'], items: { type: 'string' } },
};
const request: Schema = {
  type: 'object',
  required: ['method', 'url', 'headers'],
  properties: {
    method: { type: 'string' },
    url: { type: 'string', description: 'Path and query, as sent' },
    headers,
    body: { description: `The parsed JSON body, at most ${MIDDLEWARE_BODY_LIMIT_BYTES} bytes; left out when larger` },
    user: {
      type: 'object',
      required: ['userId'],
      properties: {
        userId: { type: 'string' },
        role: { type: 'string' },
        email: { type: 'string' },
        name: { type: 'string' },
      },
    },
  },
};
const response: Schema = {
  type: 'object',
  required: ['status', 'headers'],
  properties: { status: { type: 'integer' }, headers, body: {} },
};
const failures: Schema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['pluginId', 'message'],
    properties: { pluginId: { type: 'string' }, message: { type: 'string' } },
  },
};

/** What a host asks and what it is answered (contracts/src/questions/plugin-runner.ts). */
export const questionSchemas: Record<
  'list-surfaces' | 'run-filters' | 'run-middleware',
  { asked: Schema; result: Schema }
> = {
  'list-surfaces': {
    asked: { type: 'object', maxProperties: 0 },
    result: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pluginId', 'version', 'surface'],
        properties: {
          pluginId: { type: 'string' },
          version: { type: 'string' },
          surface: {
            type: 'object',
            description: 'What the plugin offers; a host needs its filters and middleware',
            required: ['filters', 'middleware'],
            properties: {
              filters: {
                type: 'array',
                items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
              },
              middleware: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['pattern', 'position', 'failClosed'],
                  properties: {
                    pattern: { type: 'string' },
                    position: { enum: ['before', 'after'] },
                    failClosed: { type: 'boolean' },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
  'run-filters': {
    asked: {
      type: 'object',
      required: ['filter', 'data'],
      properties: {
        filter: { type: 'string' },
        data: { type: 'object', description: `At most ${FILTER_DATA_LIMIT_BYTES} bytes of JSON` },
      },
    },
    result: {
      type: 'object',
      required: ['data', 'applied', 'errors'],
      properties: { data: { type: 'object' }, applied: { type: 'integer' }, errors: failures },
    },
  },
  'run-middleware': {
    asked: {
      type: 'object',
      required: ['phase', 'request'],
      properties: {
        phase: { enum: ['before', 'after'] },
        request,
        state: { type: 'object', description: 'In `after`: what `before` was answered' },
        response: { ...response, description: "In `after`: the route's answer" },
      },
    },
    result: {
      type: 'object',
      required: ['kind', 'state', 'failures'],
      properties: {
        kind: { enum: ['continue', 'respond'] },
        request,
        response,
        state: { type: 'object' },
        failures,
        pluginId: { type: 'string' },
      },
    },
  },
};
