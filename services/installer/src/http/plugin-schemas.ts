import { pluginStates } from '@verifywise/contracts';
import { permissions, pluginTypes } from '@verifywise/plugin-types';
import { anything, nullable, object, text, texts, time } from './schema-words.ts';

/** How plugins, and what is done to them, look in answers. */

const count = { type: 'integer' };
const flag = { type: 'boolean' };
const permissionList = { type: 'array', items: { enum: permissions } };
const ranges = { type: 'object', additionalProperties: text };
const code = { ...text, description: 'One of the codes of errors' };

const pluginError = object(
  { code, message: text, version: text, at: time },
  { stack: { ...text, description: 'For role Admin' }, during: text, suggestedFix: text },
);

const plugin = {
  id: text,
  name: text,
  description: text,
  version: text,
  type: { enum: pluginTypes },
  author: object({ name: text }, { url: text }),
  tags: texts,
  state: { enum: pluginStates },
  installed: flag,
  enabled: flag,
  source: { enum: ['registry', 'upload', 'builtin'] },
  builtin: flag,
  verified: { ...flag, description: 'From a registry the operator vouches for, or shipped with the platform' },
  registry: nullable(text),
  digest: { ...text, description: '`sha256:<hex>` of the package as it is stored' },
  permissions: { ...permissionList, description: 'What the manifest asks for' },
  granted: permissionList,
  dependencies: ranges,
  previousVersion: { ...nullable(text), description: 'What a rollback goes back to' },
  lastError: nullable(pluginError),
  generation: count,
  installedAt: nullable(time),
  updatedAt: nullable(time),
  manifest: { type: 'object' },
};

export const pluginAnswer = object(plugin);

export const pluginsAnswer = object({ plugins: { type: 'array', items: pluginAnswer }, total: count });

export const statsAnswer = object({
  ...{ total: count, installed: count, enabled: count, disabled: count, error: count, registered: count },
  byType: { type: 'object', additionalProperties: count },
});

export const dependenciesAnswer = object({
  dependencies: {
    type: 'array',
    items: object({ id: text, range: text, installedVersion: nullable(text), enabled: flag, satisfied: flag }),
  },
  dependents: { ...texts, description: 'Plugins that need it, in the order in which they would be uninstalled' },
});

export const errorsAnswer = object({
  lastError: nullable(pluginError),
  failures: { type: 'array', items: pluginError, description: 'While it was enabled, newest first' },
  failedSteps: {
    type: 'array',
    items: object(
      { operationId: text, operation: text, step: text, code, message: text, at: nullable(time) },
      { stack: { ...nullable(text), description: 'For role Admin' } },
    ),
  },
});

const failure = object({ code, message: text }, { details: anything });

export const operationAnswer = object({
  operationId: text,
  pluginId: text,
  operation: { enum: ['install', 'enable', 'disable', 'update', 'rollback', 'uninstall'] },
  status: { enum: ['running', 'undoing', 'succeeded', 'failed'] },
  error: nullable(failure),
  steps: {
    type: 'array',
    items: object({
      name: text,
      status: { enum: ['running', 'done', 'failed', 'undone', 'undo-failed'] },
      attempt: count,
      outcome: anything,
      error: nullable(failure),
      startedAt: time,
      finishedAt: nullable(time),
    }),
  },
  createdAt: time,
  finishedAt: nullable(time),
});

/** Of an operation that has ended: the plugin as it is now, and what there is to say of it. */
const notes = {
  operationId: text,
  checksum: { ...text, description: '`sha256:<hex>` of the package as it came' },
  warnings: texts,
  hookErrors: {
    type: 'array',
    items: object({ code, message: text, step: text }, { details: anything, stack: text }),
    description: 'What an uninstallation went past',
  },
};
const { operationId, ...more } = notes;
const changed = object({ ...plugin, operationId }, more);
const gone = object({ id: text, state: { const: 'uninstalled' }, installed: { const: false }, operationId }, more);

export const endedAnswer = { anyOf: [changed, gone] };

export const begunAnswer = object({ operationId: text, status: { enum: ['running', 'undoing'] }, location: text });
