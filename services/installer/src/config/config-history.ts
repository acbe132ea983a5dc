import { dotted, splitConfig, type ConfigFields, type SecretPlace } from '@verifywise/contracts';
import type { Page } from '@verifywise/contracts';
import type { AuditLogs, ConfigHistoryLine, HistoryQuery } from '../audit/audit-log.ts';
import type { Installations } from '../installation/hands.ts';

export type ViewConfigHistory = (
  tenant: string,
  pluginId: string,
  query: HistoryQuery,
) => Promise<Page<ConfigHistoryLine>>;

/** Who changed which setting when, also of a plugin that is gone. What a later version calls a secret is shown no more. */
export function createViewConfigHistory(installations: Installations, logs: AuditLogs): ViewConfigHistory {
  return async (tenant, pluginId, query) => {
    const { entries, next } = await logs.configHistory(tenant, pluginId, query);
    const fields = (await installations.find(tenant, pluginId))?.manifest.config ?? {};
    const shown = entries.map((line) => ({
      ...line,
      field: dotted(line.field),
      before: withoutSecrets(fields, line.field, line.before),
      after: withoutSecrets(fields, line.field, line.after),
    }));
    return { entries: shown, next };
  };
}

function withoutSecrets(fields: ConfigFields, place: SecretPlace, value: unknown): unknown {
  const steps = place.split('/');
  // From the inside to the outside: what stands at `proxy/host` is the value of `host` in the object `proxy`.
  const whole = steps.reduceRight((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
  const { values } = splitConfig(fields, whole);
  return steps.reduce<unknown>((holder, key) => (holder as Record<string, unknown> | undefined)?.[key], values) ?? null;
}
