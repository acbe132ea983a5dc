import { ModelInvalidError } from './invalid.ts';

/** PostgreSQL cuts longer names, and two cut ones could be the same. */
const LONGEST_NAME = 63;

/** The table of a model (S:22.2): `audit-trail` and `AuditLog` are `plugin_audit_trail_audit_log`. */
export function tableName(pluginId: string, modelName: string): string {
  const name = tablePrefix(pluginId) + snakeCase(modelName);
  if (name.length > LONGEST_NAME) {
    const most = LONGEST_NAME - tablePrefix(pluginId).length;
    throw new ModelInvalidError(
      `The model ${modelName} would have the table ${name}, longer than ${LONGEST_NAME} characters; choose a name of at most ${most}`,
    );
  }
  return name;
}

/** What every table of a plugin begins with (S:15.2): `plugin_jira_integration_`. */
export function tablePrefix(pluginId: string): string {
  return `plugin_${pluginId.replaceAll('-', '_')}_`;
}

/** Acronyms stay whole: `APIKey` is `api_key`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** `AuditLog` is `auditLog`, `APIKey` is `apiKey`: what foreign keys begin with. */
export function camelCase(name: string): string {
  return snakeCase(name).replace(/_+([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}
