import type { JsonSchema } from '@verifywise/service-kit';

const names: JsonSchema = { type: 'array', items: { type: 'string' } };
const offered: JsonSchema = {
  type: 'object',
  required: ['now', 'then', 'comes', 'goes'],
  properties: {
    now: { anyOf: [names, { type: 'string' }] },
    then: { anyOf: [names, { type: 'string' }] },
    comes: names,
    goes: names,
  },
};
const ranges: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

export const updatePlanQuery: JsonSchema = {
  type: 'object',
  properties: { version: { type: 'string', minLength: 1, maxLength: 256 } },
};

export const updatePlanAnswer: JsonSchema = {
  type: 'object',
  required: [
    'id',
    'installedVersion',
    'version',
    'direction',
    'compatible',
    'permissions',
    'surface',
    'unknown',
    'refusals',
  ],
  properties: {
    id: { type: 'string' },
    installedVersion: { type: 'string' },
    version: { type: 'string' },
    direction: { enum: ['newer', 'same', 'older'] },
    compatible: { type: 'boolean' },
    incompatibility: { type: ['string', 'null'] },
    heldBack: { type: ['object', 'null'], properties: { version: { type: 'string' }, reason: { type: 'string' } } },
    size: { type: 'object', properties: { now: { type: 'integer' }, then: { type: ['integer', 'null'] } } },
    permissions: { type: 'object', properties: { added: names, removed: names, toAccept: names } },
    surface: {
      type: 'object',
      description:
        'What it offers now and then; "unknown until it runs" where only running code tells. `comes` and `goes` are what is certain',
      additionalProperties: offered,
    },
    unknown: { type: ['string', 'null'], description: 'What of the surface nobody can tell before the update' },
    config: {
      type: ['object', 'null'],
      description: 'null when the package could not be taken in',
      properties: {
        added: { type: 'array', items: { type: 'object', properties: { key: { type: 'string' } } } },
        removed: names,
        newlyRequired: names,
        missing: names,
      },
    },
    dependencies: {
      type: 'object',
      properties: {
        added: ranges,
        removed: names,
        changed: { type: 'object' },
        first: { type: 'array', items: { type: 'object' } },
      },
    },
    changelog: {
      type: 'array',
      items: { type: 'object', properties: { version: { type: 'string' }, changes: { type: ['string', 'null'] } } },
    },
    refusals: {
      type: 'array',
      items: { type: 'object', required: ['code', 'message'], properties: { code: { type: 'string' } } },
    },
    warnings: names,
  },
};
