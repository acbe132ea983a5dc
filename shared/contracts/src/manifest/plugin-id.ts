/** `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, at most 50 characters (contract §3). */
export const PLUGIN_ID_PATTERN = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$';
export const PLUGIN_ID_LENGTH = 50;

/** First path segments of the platform's own HTTP APIs, which a plugin of that name would hide. */
export const reservedPluginIds: readonly string[] = [
  'stats',
  'upload',
  'ui-extensions',
  'install',
  'install-from-url',
  'operations',
  'categories',
  'tags',
  'updates',
  'refresh',
  'events',
  'health',
  'alerts',
  'audit',
  'registries',
];

const WELL_FORMED = new RegExp(PLUGIN_ID_PATTERN);

/** Whether this may be the id of a plugin: well formed, short enough and not reserved. */
export function isPluginId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= PLUGIN_ID_LENGTH &&
    WELL_FORMED.test(value) &&
    !reservedPluginIds.includes(value)
  );
}
