import type { JsonSchema } from '@verifywise/service-kit';

/** What operators see of a runner, for openapi.json. */

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };

function listOf(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'array', items: { type: 'object', required: Object.keys(properties), properties } };
}

export const clusterAnswer: JsonSchema = {
  type: 'object',
  required: ['runners', 'partitions'],
  properties: {
    runners: listOf({ id: text, url: text, draining: { type: 'boolean' } }),
    partitions: listOf({
      partition: { type: 'integer' },
      runnerId: { type: ['string', 'null'] },
      epoch: { type: 'integer', description: 'Grows with every change of holder' },
      since: time,
      released: { type: 'boolean' },
      assigned: {
        type: ['object', 'null'],
        description: 'Who should hold it; null when no runner lives',
        properties: { owner: text, standby: { type: ['string', 'null'] } },
      },
    }),
  },
};

export const isolatesAnswer: JsonSchema = {
  type: 'object',
  required: ['isolates'],
  properties: {
    isolates: listOf({
      tenant: text,
      pluginId: text,
      version: text,
      stage: text,
      state: text,
      since: time,
      sleeping: { type: 'boolean' },
      pid: { type: ['integer', 'null'] },
      startedAt: { ...time, type: ['string', 'null'] },
      memoryBytes: { type: ['integer', 'null'] },
      cpuSeconds: { type: 'number' },
      waitingEvents: { type: 'integer' },
      parkedEvents: { type: 'integer' },
      oldestEventAt: { ...time, type: ['string', 'null'] },
      awakeFor: { type: 'array', items: text },
      lastCrash: { type: ['object', 'null'] },
      condition: { enum: ['ok', 'slow', 'broken', 'dependency-down'], description: 'How it gets on with its events' },
      hindrance: { type: ['string', 'null'], description: 'Why it does not run though it is enabled' },
    }),
  },
};
