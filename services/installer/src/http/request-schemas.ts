import { permissions } from '@verifywise/plugin-types';
import { pageQuery } from '@verifywise/service-kit';
import { auditActions } from '../audit/audit-log.ts';

/** Bodies of the management API; the same schemas check requests and make openapi.json. */

const version = { type: 'string', minLength: 1, maxLength: 256 };
const pluginId = { type: 'string', minLength: 1, maxLength: 50 };
const flag = { type: 'boolean' };
const permissionList = {
  type: 'array',
  maxItems: 50,
  // Older names are understood as well (contract §2).
  items: { type: 'string', maxLength: 100, example: permissions[0] },
};

const installOptions = {
  withDependencies: { ...flag, description: 'Install missing dependencies first' },
  acceptedPermissions: { ...permissionList, description: 'The permissions the admin agrees to' },
  force: { ...flag, description: 'Install although the host version does not fit' },
};

export const installBody = {
  type: 'object',
  required: ['id'],
  additionalProperties: false,
  properties: { id: pluginId, version, ...installOptions },
};

/** S:18.3; further fields of a registry entry may be sent along. */
export const installFromUrlBody = {
  type: 'object',
  required: ['id', 'downloadUrl', 'checksum'],
  properties: {
    id: pluginId,
    name: { type: 'string', maxLength: 200 },
    version,
    downloadUrl: { type: 'string', minLength: 1, maxLength: 2_000 },
    checksum: { type: 'string', pattern: '^([sS][hH][aA]256:)?[0-9a-fA-F]{64}$' },
    ...installOptions,
  },
};

export const uploadBody = {
  type: 'object',
  required: ['plugin'],
  additionalProperties: false,
  properties: {
    plugin: { type: 'string', format: 'binary', description: 'The zip' },
    checksum: { type: 'string', description: 'sha256 of the zip; refused when it does not agree' },
    acceptedPermissions: {
      type: 'string',
      description: 'The permissions the admin agrees to, separated by commas, or the field once for each',
    },
    withDependencies: { enum: ['true', 'false'], description: 'Install missing dependencies first, from registries' },
    config: { type: 'string', description: 'Settings for the version that is to come, as JSON' },
  },
};

const settings = {
  type: 'object',
  maxProperties: 500,
  description: 'Settings for the version that is to come, as for PUT /api/plugins/:id/config',
};

export const updateBody = {
  type: 'object',
  additionalProperties: false,
  properties: { version, ...installOptions, config: settings },
};

export const enableBody = {
  type: 'object',
  additionalProperties: false,
  properties: { withDependencies: installOptions.withDependencies },
};

export const emptyBody = { type: 'object', additionalProperties: false, properties: {} };

export const disableBody = {
  type: 'object',
  additionalProperties: false,
  properties: { cascade: { ...flag, description: 'Disable the enabled plugins that depend on it first' } },
};

export const rollbackBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    force: { ...flag, description: 'Go back although plugins that need it need the newer version' },
    config: settings,
  },
};

export const uninstallBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    deleteData: { ...flag, description: 'Delete everything the plugin has stored as well' },
    cascade: { ...flag, description: 'Uninstall the plugins that depend on it as well' },
    force: { ...flag, description: 'Go on when a hook of the plugin fails' },
  },
};

export const configBody = {
  type: 'object',
  required: ['config'],
  additionalProperties: false,
  properties: {
    config: {
      type: 'object',
      maxProperties: 500,
      description: 'Fields to set. What is absent stays, null clears; an empty or masked secret stays as it is.',
    },
  },
};

export const permissionsBody = {
  type: 'object',
  required: ['granted'],
  additionalProperties: false,
  properties: { granted: permissionList },
};

const someText = { type: 'string', minLength: 1, maxLength: 200 };

export const auditQuery = {
  type: 'object',
  properties: {
    ...pageQuery,
    action: { enum: auditActions, description: 'Only this one' },
    userId: { ...someText, description: 'Only what this user did' },
  },
};

export const tenantAuditQuery = {
  type: 'object',
  properties: { ...auditQuery.properties, pluginId: { ...pluginId, description: 'Only of this plugin' } },
};

export const historyQuery = {
  type: 'object',
  properties: { ...pageQuery, field: { ...someText, description: 'Only of this setting, for instance `proxy.host`' } },
};

export const alertQuery = {
  type: 'object',
  properties: {
    limit: pageQuery.limit,
    acknowledged: {
      type: 'boolean',
      description: 'Only those that an admin has acknowledged, or only those that none has',
    },
  },
};

export const listQuery = {
  type: 'object',
  properties: { limit: pageQuery.limit },
};
