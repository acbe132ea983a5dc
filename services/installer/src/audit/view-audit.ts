import { isSecretField, splitConfig, type ConfigFields, type Page } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { SECRET_MASK } from '../config/secret-mask.ts';
import { isObject } from '../config/sealed-config.ts';
import type { Installations } from '../installation/hands.ts';
import type { AuditLine, AuditLogs, AuditQuery } from './audit-log.ts';

export type ViewAudit = (tenant: string, query: AuditQuery) => Promise<Page<AuditLine>>;

/** The audit log as an admin may read it. A setting that the installed version calls a secret is shown no more, also where it was none. */
export function createViewAudit(installations: Installations, logs: Pick<AuditLogs, 'audit'>): ViewAudit {
  return async (tenant, query) => {
    const { entries, next } = await logs.audit(tenant, query);
    if (!entries.some(tellsOfSettings)) return { entries, next };
    const installed = await installations.list(tenant);
    const fieldsOf = new Map(installed.map(({ pluginId, manifest }) => [pluginId, manifest.config]));
    const shown = entries.map((line) => {
      if (!tellsOfSettings(line)) return line;
      const fields = fieldsOf.get(line.pluginId) ?? {};
      return { ...line, before: withoutSecrets(fields, line.before), after: withoutSecrets(fields, line.after) };
    });
    return { entries: shown, next };
  };
}

function tellsOfSettings({ action }: AuditLine): boolean {
  return action === 'config';
}

function withoutSecrets(fields: ConfigFields, side: unknown): unknown {
  if (!isObject(side)) return side;
  return Object.fromEntries(Object.entries(side).map(([name, value]) => [name, shown(fieldAt(fields, name), value)]));
}

function shown(field: ConfigField | undefined, value: unknown): unknown {
  if (field === undefined) return value;
  if (isSecretField(field)) return typeof value === 'string' ? SECRET_MASK : value;
  return splitConfig({ it: field }, { it: value }).values['it'] ?? null;
}

/** The setting of a name such as `proxy.host`; a key may have points in it as well. */
function fieldAt(fields: ConfigFields, name: string): ConfigField | undefined {
  for (const [key, field] of Object.entries(fields)) {
    if (key === name) return field;
    if (field.type !== 'object' || !name.startsWith(`${key}.`)) continue;
    const inner = fieldAt(field.properties ?? {}, name.slice(key.length + 1));
    if (inner !== undefined) return inner;
  }
  return undefined;
}
