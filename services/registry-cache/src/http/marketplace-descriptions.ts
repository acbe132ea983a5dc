import { pluginTypes } from '@verifywise/plugin-types';
import { route, type JsonSchema } from '@verifywise/service-kit';
import { sortings } from '../catalogue/browse.ts';

const DEFAULT_LIMIT = 200;
const LARGEST_PAGE = 500;

const texts = { type: 'array', items: { type: 'string' } };
const nullableText = { type: ['string', 'null'] };

const versions = { type: 'object', additionalProperties: { type: 'string' } };
const compatibility = {
  type: 'object',
  properties: { minVersion: { type: 'string' }, maxVersion: { type: 'string' } },
};

const offered = {
  id: { type: 'string' },
  name: { type: 'string' },
  description: { type: 'string' },
  version: { type: 'string' },
  author: {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' }, url: { type: 'string' }, email: { type: 'string' } },
  },
  homepage: { type: 'string' },
  repository: { type: 'string' },
  support: { type: 'string' },
  type: { enum: pluginTypes },
  tags: texts,
  icon: { ...nullableText, description: 'On our own origin' },
  download: { type: 'string' },
  checksum: { type: 'string' },
  permissions: texts,
  compatibility,
  compatible: { type: 'boolean', description: 'Whether it runs on this VerifyWise' },
  dependencies: versions,
  registry: { type: 'string' },
  verified: { type: 'boolean' },
  installed: { type: 'boolean' },
  installedVersion: nullableText,
  enabled: { type: 'boolean' },
  hasUpdate: { type: 'boolean' },
};
const alwaysOffered = [
  ...['id', 'name', 'description', 'version', 'author', 'type', 'tags', 'icon', 'download', 'checksum', 'permissions'],
  ...['compatible', 'registry', 'verified', 'installed', 'installedVersion', 'enabled', 'hasUpdate'],
];
const offer: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: alwaysOffered,
  properties: offered,
};

const installedKnown = {
  type: 'boolean',
  description: 'False while nobody can say what the tenant has installed: then the flags are those known last, if any',
};

const version: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'download', 'checksum', 'permissions', 'compatibility', 'dependencies', 'compatible'],
  properties: {
    version: { type: 'string' },
    download: { type: 'string' },
    checksum: { type: 'string' },
    permissions: texts,
    compatibility,
    dependencies: versions,
    changelog: { type: 'string' },
    compatible: { type: 'boolean' },
  },
};

const planned: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'range', 'version', 'action'],
  properties: {
    id: { type: 'string' },
    range: { type: 'string', description: 'What is asked for; * for the plugin itself' },
    version: nullableText,
    action: { enum: ['install', 'update', 'none', 'impossible'] },
    reason: { type: 'string', description: 'Why it is impossible' },
  },
};

const details: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: [...alwaysOffered, 'changelog', 'versions', 'dependencyPlan', 'dependencyConflict', 'installedKnown'],
  properties: {
    ...offered,
    changelog: { ...nullableText, description: 'Of the version that is shown' },
    versions: { type: 'array', items: version, description: 'Newest first' },
    dependencyPlan: {
      type: 'array',
      items: planned,
      description: 'In the order of installation, the plugin itself last',
    },
    dependencyConflict: { ...nullableText, description: 'Why installing it would be refused as things stand' },
    installedKnown,
  },
};

const freshness = {
  stale: { type: 'boolean', description: 'A registry could not be asked lately; this is what it said last' },
  ageSeconds: { type: ['integer', 'null'] },
};

const registryFreshness: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'version', 'updated', 'plugins', 'problems', 'stale', 'ageSeconds', 'lastError'],
  properties: {
    name: { type: 'string' },
    version: nullableText,
    updated: nullableText,
    plugins: { type: 'integer' },
    problems: { type: 'integer' },
    ...freshness,
    lastError: nullableText,
  },
};

const refreshed: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['registries', 'total'],
  properties: {
    registries: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['registry', 'outcome', 'plugins', 'quarantined'],
        properties: {
          registry: { type: 'string' },
          outcome: { enum: ['refreshed', 'unchanged', 'failed'] },
          plugins: { type: 'integer' },
          quarantined: { type: 'integer' },
          error: { type: 'string' },
        },
      },
    },
    total: { type: 'integer', description: 'Plugins of all registries together' },
  },
};

const counted = (field: string, more: JsonSchema = {}): JsonSchema => ({
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: [field, 'count', ...Object.keys(more)],
    properties: { [field]: { type: 'string' }, count: { type: 'integer' }, ...more },
  },
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
          additionalProperties: false,
          required: [
            ...['registryVersion', 'registryUpdated', 'plugins', 'total', 'page', 'limit', 'installedKnown'],
            ...['stale', 'ageSeconds', 'registries'],
          ],
          properties: {
            registryVersion: nullableText,
            registryUpdated: nullableText,
            plugins: { type: 'array', items: offer },
            total: { type: 'integer' },
            page: { type: 'integer' },
            limit: { type: 'integer' },
            installedKnown,
            ...freshness,
            registries: { type: 'array', items: registryFreshness },
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
    answers: { 200: { description: 'Most plugins first', data: counted('type', { label: { type: 'string' } }) } },
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
    answers: {
      200: {
        description: 'The updates',
        data: {
          type: 'object',
          additionalProperties: false,
          required: ['plugins', 'total'],
          properties: { plugins: { type: 'array', items: offer }, total: { type: 'integer' } },
        },
      },
    },
  }),
  refresh: route({
    method: 'post',
    path: '/api/marketplace/refresh',
    summary: 'Fetches all registries now',
    role: 'Admin',
    answers: { 200: { description: 'What each of them lists now', data: refreshed } },
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
    answers: { 200: { description: 'The plugin', data: details } },
  }),
};
