import type { JsonSchema } from './json-schema.ts';

const text = { type: 'string' };

/** A user in the answers of logs of who did what (Person of contracts). */
export const personSchema = {
  type: 'object',
  required: ['userId', 'role'],
  properties: { userId: text, role: text, name: text, email: text },
  additionalProperties: false,
} as const satisfies JsonSchema;

/** What a part of the platform did by itself. */
export const serviceSchema = {
  type: 'object',
  required: ['service'],
  properties: { service: text },
  additionalProperties: false,
} as const satisfies JsonSchema;

/** A page of what is only ever added to (Page of contracts). */
export function pageSchema(line: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: ['entries', 'next'],
    properties: {
      entries: { type: 'array', items: line },
      next: {
        anyOf: [text, { type: 'null' }],
        description: 'The `before` of the next page; null when there is none',
      },
    },
    additionalProperties: false,
  };
}

/** What of a query chooses the page. */
export const pageQuery = {
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
  before: { type: 'string', pattern: '^[0-9]{1,18}$', description: 'Entries before this one: `next` of a page' },
};
