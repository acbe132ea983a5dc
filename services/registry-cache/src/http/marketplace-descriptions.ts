import { pluginTypes } from '@verifywise/plugin-types';
import { route, type JsonSchema } from '@verifywise/service-kit';
import { sortings } from '../catalogue/browse.ts';

const DEFAULT_LIMIT = 200;
const LARGEST_PAGE = 500;

const texts = { type: 'array', items: { type: 'string' } };
const nullableText = { type: ['string', 'null'] };

const offer: JsonSchema = {
  type: 'object',
  required: ['id', 'name', 'version', 'download', 'checksum', 'installed', 'installedVersion', 'enabled', 'hasUpdate'],
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    description: { type: 'string' },
    version: { type: 'string' },
    author: { type: 'object', properties: { name: { type: 'string' }, url: { type: 'string' } } },
    type: { enum: pluginTypes },
    tags: texts,
    icon: { ...nullableText, description: 'On our own origin' },
    download: { type: 'string' },
    checksum: { type: 'string' },
    permissions: texts,
    compatibility: { type: 'object' },
    compatible: { type: 'boolean', description: 'Whether it runs on this VerifyWise' },
    dependencies: { type: 'object' },
    registry: { type: 'string' },
    verified: { type: 'boolean' },
    installed: { type: 'boolean' },
    installedVersion: nullableText,
    enabled: { type: 'boolean' },
    hasUpdate: { type: 'boolean' },
  },
};

const freshness = {
  stale: { type: 'boolean', description: 'A registry could not be asked lately; this is what it said last' },
  ageSeconds: { type: ['integer', 'null'] },
};

const counted = (field: string): JsonSchema => ({
  type: 'array',
  items: { type: 'object', properties: { [field]: { type: 'string' }, count: { type: 'integer' } } },
});

const pluginParams: JsonSchema = { type: 'object', properties: { id: { type: 'string', maxLength: 100 } } };

export const marketplaceDescriptions = {
  browse: route({
    method: 'get',
    path: '/api/marketplace',
    summary: 'The plugins that can be installed, with what the tenant has of them',
    role: 'any',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        type: { enum: pluginTypes },
        tag: { type: 'string', maxLength: 100 },
        search: {
          type: 'string',
          maxLength: 200,
          description: 'In name, tags and description; forgives typing errors',
        },
        installed: { enum: ['true', 'false', 'updates'] },
        sort: { enum: sortings },
        page: { type: 'integer', minimum: 1, default: 1 },
        limit: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: DEFAULT_LIMIT },
        refresh: { type: 'boolean', description: 'Ask the registries now' },
      },
    },
    answers: {
      200: {
        description: 'A page of them',
        data: {
          type: 'object',
          required: ['registryVersion', 'registryUpdated', 'plugins', 'total'],
          properties: {
            registryVersion: nullableText,
            registryUpdated: nullableText,
            plugins: { type: 'array', items: offer },
            total: { type: 'integer' },
            page: { type: 'integer' },
            limit: { type: 'integer' },
            installedKnown: {
              type: 'boolean',
              description: 'False while nobody can say what the tenant has installed',
            },
            ...freshness,
            registries: { type: 'array', items: { type: 'object' } },
          },
        },
      },
    },
  }),
  categories: route({
    method: 'get',
    path: '/api/marketplace/categories',
    summary: 'The types of plugins with their numbers',
    role: 'any',
    answers: { 200: { description: 'Most plugins first', data: counted('type') } },
  }),
  tags: route({
    method: 'get',
    path: '/api/marketplace/tags',
    summary: 'The tags with their numbers',
    role: 'any',
    answers: { 200: { description: 'Most used first', data: counted('tag') } },
  }),
  updates: route({
    method: 'get',
    path: '/api/marketplace/updates',
    summary: 'What the tenant has installed and could update',
    role: 'any',
    answers: { 200: { description: 'The updates', data: { type: 'object' } } },
  }),
  refresh: route({
    method: 'post',
    path: '/api/marketplace/refresh',
    summary: 'Fetches all registries now',
    role: 'Admin',
    answers: { 200: { description: 'What each of them lists now', data: { type: 'object' } } },
  }),
  icon: route({
    method: 'get',
    path: '/api/marketplace/:id/icon',
    summary: 'The icon of a plugin',
    role: 'any',
    params: pluginParams,
    answers: { 200: { description: 'The icon', contentType: 'image/png' } },
  }),
  details: route({
    method: 'get',
    path: '/api/marketplace/:id',
    summary: 'One plugin with all its versions and what installing it would bring along',
    role: 'any',
    params: pluginParams,
    answers: { 200: { description: 'The plugin', data: offer } },
  }),
};
