import { permissions } from '@verifywise/plugin-types';
import { pageSchema, personSchema, serviceSchema } from '@verifywise/service-kit';
import { anything, nullable, object, text, texts, time } from './schema-words.ts';

/** The shapes of answers in openapi.json; a test holds the answers against them. */

const actor = {
  description: 'The admin as their token named them; a plugin (`plugin:<id>`) or the platform when nobody asked',
  anyOf: [personSchema, serviceSchema],
};

export const auditAnswer = pageSchema(
  object({
    id: text,
    at: time,
    pluginId: text,
    action: {
      ...text,
      description:
        'install, install-from-url, upload, update, rollback, enable, disable, uninstall, config, permissions or acknowledge-alert',
    },
    actor,
    outcome: { enum: ['succeeded', 'failed', 'unchanged'] },
    error: nullable(object({ code: text, message: text })),
    before: { ...anything, description: 'What is different, as it was; secrets are masked' },
    after: { ...anything, description: 'The same, as it is now' },
    operationId: nullable(text),
    parentOperationId: { ...nullable(text), description: 'The operation that this one was part of' },
    request: { ...nullable({ type: 'object' }), description: 'What was asked for: version, force, cascade, …' },
  }),
);

export const configHistoryAnswer = pageSchema(
  object({
    id: text,
    at: time,
    field: { ...text, description: '`limit`, or `proxy.host` in an object' },
    secret: { type: 'boolean' },
    before: { ...anything, description: 'Null for a secret, and where nothing was set' },
    after: { ...anything, description: 'The same, as it is now' },
    actor,
  }),
);

export const configAnswer = object({
  schema: { type: 'object', description: 'The manifest’s `config`, from which a form is made' },
  config: { type: 'object', description: 'Stored values and defaults, without secrets' },
  secretsSet: { ...texts, description: 'Which secrets are set: `apiKey`, `proxy.password`, `accounts.0.token`' },
  missingConfig: { ...texts, description: 'What is required and not set; it keeps the plugin from being enabled' },
});

const permissionList = { type: 'array', items: { enum: permissions } };

export const permissionsAnswer = object({
  declared: { ...permissionList, description: 'What the manifest asks for' },
  granted: { ...permissionList, description: 'What the plugin may do' },
  withheld: { ...permissionList, description: 'Declared, and taken away' },
  additional: { ...permissionList, description: 'Given beyond what is declared' },
});

export const alertAnswer = object({
  id: text,
  pluginId: text,
  version: text,
  message: text,
  severity: { enum: ['warning', 'critical'] },
  suggestedFix: nullable(text),
  failure: { ...nullable({ type: 'object' }), description: 'What the runner reported; its stack for role Admin' },
  at: time,
  acknowledgedBy: nullable(actor),
  acknowledgedAt: nullable(time),
});
