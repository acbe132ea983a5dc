import { pageQuery, pageSchema, personSchema, route, serviceSchema, type JsonSchema } from '@verifywise/service-kit';

const name = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,49}$' };
const host = { type: 'string', pattern: '^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$' };

const token = { type: 'string', minLength: 1, maxLength: 4000, pattern: '^[\\x21-\\x7e]+$' };
const settable = {
  url: { type: 'string', maxLength: 2000, format: 'uri', description: 'Of its registry.json' },
  verified: { type: 'boolean', description: 'Whether the operator vouches for what it lists' },
  local: { type: 'boolean', description: 'Whether plain http and addresses of our own network are fine for it' },
  allowedHosts: { type: 'array', maxItems: 100, items: host, description: 'Where packages and icons may come from' },
};
const otherToken = {
  ...{ ...token, type: ['string', 'null'] },
  description: 'Not said: it stays; null: it goes. To change the url to another server it has to be said',
};

/** A registry as it is given, by an operator or in the settings. */
export const registrySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'url'],
  properties: {
    name,
    token: { ...token, description: 'Sent to its own server only, and never shown again' },
    ...settable,
  },
};

const replacement: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: { ...settable, token: otherToken },
};

const changes: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: { ...settable, token: otherToken },
};

const view: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'url', 'verified', 'local', 'allowedHosts', 'tokenSet', 'plugins', 'problems', 'stale'],
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
    ageSeconds: { type: ['integer', 'null'], description: 'Since it last confirmed what it lists' },
    lastError: { type: ['string', 'null'] },
  },
};
const actions = ['add', 'change', 'replace', 'remove'];
const audited: JsonSchema = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    url: { type: 'string' },
    verified: { type: 'boolean' },
    local: { type: 'boolean' },
    allowedHosts: { type: 'array', items: { type: 'string' } },
    tokenSet: { type: 'boolean' },
  },
};
const auditLine: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'at', 'registry', 'action', 'actor', 'before', 'after'],
  properties: {
    id: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    registry: name,
    action: { enum: actions },
    actor: {
      description: 'The operator as their token named them; this service for what the settings say at a start',
      anyOf: [
        {
          ...personSchema,
          required: ['tenant', ...personSchema.required],
          properties: { tenant: { type: 'string' }, ...personSchema.properties },
        },
        serviceSchema,
      ],
    },
    before: { ...audited, description: 'What is different, as it was; null where the registry is new' },
    after: { ...audited, description: 'The same, as it is now; null where it is gone' },
  },
};
const auditQuery: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...pageQuery,
    registry: { ...name, description: 'Only of this one, also when it is gone' },
    action: { enum: actions },
    userId: { type: 'string', minLength: 1, maxLength: 200, description: 'Only what this user did' },
  },
};

const params: JsonSchema = { type: 'object', properties: { name: { type: 'string', maxLength: 100 } } };

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
  audit: route({
    method: 'get',
    path: '/api/marketplace/registries/audit',
    summary: 'Who did what to registries, newest first',
    role: 'Operator',
    query: auditQuery,
    answers: { 200: { description: 'One page', data: pageSchema(auditLine) } },
  }),
  find: route({
    method: 'get',
    path: '/api/marketplace/registries/:name',
    summary: 'One registry, with how fresh it is',
    role: 'Operator',
    params,
    answers: { 200: { description: 'The registry', data: view } },
  }),
  change: route({
    method: 'patch',
    path: '/api/marketplace/registries/:name',
    summary: 'Changes what is said of a registry, leaves the rest as it is, and fetches it',
    role: 'Operator',
    params,
    body: changes,
    answers: { 200: { description: 'As it is now', data: view } },
  }),
  replace: route({
    method: 'put',
    path: '/api/marketplace/registries/:name',
    summary: 'Makes a registry what is said, as if it were new except for its token, and fetches it',
    role: 'Operator',
    params,
    body: replacement,
    answers: { 200: { description: 'As it is now', data: view } },
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
            additionalProperties: false,
            required: ['plugin', 'reason'],
            properties: { plugin: { type: 'string' }, version: { type: 'string' }, reason: { type: 'string' } },
          },
        },
      },
    },
  }),
};
