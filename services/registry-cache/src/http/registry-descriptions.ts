import { route, type JsonSchema } from '@verifywise/service-kit';

const name = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,49}$' };
const host = { type: 'string', pattern: '^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$' };

/** A registry as it is given, by an operator or in the settings. */
export const registrySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'url'],
  properties: {
    name,
    url: { type: 'string', maxLength: 2000, format: 'uri' },
    token: { type: 'string', minLength: 1, maxLength: 4000, description: 'Never shown again' },
    verified: { type: 'boolean', description: 'Whether the operator vouches for what it lists' },
    local: { type: 'boolean', description: 'Whether plain http and addresses of our own network are fine for it' },
    allowedHosts: { type: 'array', maxItems: 100, items: host, description: 'Where packages and icons may come from' },
  },
};

const view: JsonSchema = {
  type: 'object',
  properties: {
    name,
    url: { type: 'string' },
    verified: { type: 'boolean' },
    local: { type: 'boolean' },
    allowedHosts: { type: 'array', items: { type: 'string' } },
    tokenSet: { type: 'boolean' },
    plugins: { type: 'integer' },
    problems: { type: 'integer' },
    stale: { type: 'boolean' },
    ageSeconds: { type: ['integer', 'null'] },
    lastError: { type: ['string', 'null'] },
  },
};
const params: JsonSchema = { type: 'object', properties: { name } };

export const registryDescriptions = {
  list: route({
    method: 'get',
    path: '/api/marketplace/registries',
    summary: 'Every registry, in order of precedence, with how fresh it is',
    role: 'Operator',
    answers: { 200: { description: 'The registries', data: { type: 'array', items: view } } },
  }),
  add: route({
    method: 'post',
    path: '/api/marketplace/registries',
    summary: 'Adds a registry and fetches it',
    role: 'Operator',
    body: registrySchema,
    answers: { 201: { description: 'As it was added', data: view } },
  }),
  remove: route({
    method: 'delete',
    path: '/api/marketplace/registries/:name',
    summary: 'Removes a registry; what was installed from it stays installed',
    role: 'Operator',
    params,
    answers: { 204: 'Gone' },
  }),
  problems: route({
    method: 'get',
    path: '/api/marketplace/registries/:name/problems',
    summary: 'Entries of a registry that are not offered, and why',
    role: 'Operator',
    params,
    answers: {
      200: {
        description: 'The problems',
        data: {
          type: 'array',
          items: {
            type: 'object',
            properties: { plugin: { type: 'string' }, version: { type: 'string' }, reason: { type: 'string' } },
          },
        },
      },
    },
  }),
};
