import { permissions, pluginTypes } from '@verifywise/plugin-types';
import { PLUGIN_ID_LENGTH, PLUGIN_ID_PATTERN } from './plugin-id.ts';
import { LONGEST_PATTERN } from './safe-pattern.ts';
import { manifestUiSchema } from './ui-schema.ts';

/**
 * `publish`: what the registry's CI accepts, everything S:4 asks for and nothing else.
 * `install`: what an installation accepts, after older spellings were rewritten (contract §3).
 */
export type ManifestProfile = 'publish' | 'install';

const text = (maxLength: number) => ({ type: 'string', maxLength });
const requiredText = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const texts = (maxItems: number, length: number) => ({ type: 'array', maxItems, items: requiredText(length) });
const count = { type: 'integer', minimum: 0, maximum: 1_000_000 };
const webUrl = { type: 'string', maxLength: 2_000, format: 'web-url' };
const version = { type: 'string', maxLength: 256, format: 'version' };

/** How many settings a plugin may have, and properties a setting. */
const MOST_FIELDS = 200;

/** What only the install profile knows about a setting. */
const descriptiveFieldParts = { label: text(200), placeholder: text(500) };

function fieldSchema(profile: ManifestProfile) {
  const basics = {
    required: { type: 'boolean' },
    description: text(2_000),
    ...(profile === 'install' ? descriptiveFieldParts : {}),
  };
  const field = (type: string, parts: Record<string, unknown>) => ({
    properties: { type: { const: type }, ...basics, ...parts },
    additionalProperties: false,
  });
  return {
    type: 'object',
    required: ['type'],
    discriminator: { propertyName: 'type' },
    oneOf: [
      field('string', {
        default: { type: 'string' },
        secret: { type: 'boolean' },
        enum: { type: 'array', minItems: 1, maxItems: 1_000, items: { type: 'string' } },
        ...(profile === 'install' ? { enumLabels: { type: 'array', items: text(200) } } : {}),
        pattern: { type: 'string', maxLength: LONGEST_PATTERN, format: 'safe-pattern' },
        minLength: count,
        maxLength: count,
      }),
      field('number', { default: { type: 'number' }, min: { type: 'number' }, max: { type: 'number' } }),
      field('boolean', { default: { type: 'boolean' } }),
      field('array', { default: { type: 'array' }, items: { $ref: '#/definitions/field' } }),
      field('object', { default: { type: 'object' }, properties: { $ref: '#/definitions/fields' } }),
    ],
  };
}

/** What only informs an admin; the publish profile keeps to the fields of S:258. */
const descriptiveParts = {
  license: text(200),
  icon: text(200),
  detailedDescription: text(50_000),
  keywords: texts(100, 100),
  releaseDate: text(40),
  faq: {
    type: 'array',
    maxItems: 100,
    items: {
      type: 'object',
      required: ['question', 'answer'],
      properties: { question: requiredText(1_000), answer: requiredText(10_000) },
      additionalProperties: false,
    },
  },
  changelog: {
    type: 'array',
    maxItems: 500,
    items: {
      type: 'object',
      required: ['version', 'changes'],
      properties: { version: requiredText(100), date: text(40), changes: texts(500, 2_000) },
      additionalProperties: false,
    },
  },
};

const alwaysRequired = ['id', 'name', 'description', 'version', 'author', 'type'];

/** The JSON Schema (draft 7) of `manifest.json`. */
export function manifestSchema(profile: ManifestProfile) {
  return {
    $id: `https://verifywise.ai/schemas/plugin-manifest.${profile}.json`,
    title: 'VerifyWise plugin manifest',
    type: 'object',
    required: profile === 'publish' ? [...alwaysRequired, 'tags', 'permissions'] : alwaysRequired,
    additionalProperties: false,
    properties: {
      id: {
        type: 'string',
        minLength: 1,
        maxLength: PLUGIN_ID_LENGTH,
        pattern: PLUGIN_ID_PATTERN,
        format: 'unreserved-id',
      },
      name: requiredText(50),
      description: requiredText(200),
      version,
      author: {
        type: 'object',
        required: ['name'],
        properties: { name: requiredText(200), url: webUrl },
        additionalProperties: false,
      },
      homepage: webUrl,
      repository: webUrl,
      support: webUrl,
      type: { enum: pluginTypes },
      tags: texts(50, 50),
      permissions: { type: 'array', maxItems: 50, items: { enum: permissions } },
      config: { $ref: '#/definitions/fields' },
      compatibility: {
        type: 'object',
        properties: { minVersion: version, maxVersion: version },
        additionalProperties: false,
      },
      dependencies: {
        type: 'object',
        maxProperties: 50,
        propertyNames: { type: 'string', maxLength: PLUGIN_ID_LENGTH, pattern: PLUGIN_ID_PATTERN },
        additionalProperties: { type: 'string', maxLength: 256, format: 'version-range' },
      },
      ui: profile === 'publish' ? manifestUiSchema : { type: 'object' },
      ...(profile === 'install' ? descriptiveParts : {}),
    },
    definitions: {
      field: fieldSchema(profile),
      fields: {
        type: 'object',
        maxProperties: MOST_FIELDS,
        // Of more than that none is looked at: ajv's time would grow with the square of their number.
        if: { maxProperties: MOST_FIELDS },
        then: {
          propertyNames: { type: 'string', format: 'config-key' },
          additionalProperties: { $ref: '#/definitions/field' },
        },
      },
    },
  };
}
