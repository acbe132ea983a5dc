import { dotted } from '@verifywise/contracts';
import type { Actor, Transaction } from '../installation/transaction.ts';
import type { ChangedField } from './config-diff.ts';
import { settingOf } from './part-of-config.ts';
import { SECRET_MASK } from './secret-mask.ts';

/** One line of the history for each setting that changed. */
export async function recordChanges(
  tx: Transaction,
  { tenant, pluginId }: { tenant: string; pluginId: string },
  changed: ChangedField[],
  actor: Actor,
): Promise<void> {
  for (const { place, secret, before, after } of changed) {
    await tx.recordConfigChange(tenant, { pluginId, place, secret, actor, before, after });
  }
}

/** The settings that changed as the fact about it names them: those of the settings page, not what stands in them. */
export function changedKeys(changed: ChangedField[]): string[] {
  return [...new Set(changed.map(({ place }) => settingOf(place)))];
}

/** Both sides of a change as the audit log shows them. */
export function shownChange(changed: ChangedField[]): { before: unknown; after: unknown } {
  const mask = (isSet: boolean | undefined) => (isSet === true ? SECRET_MASK : null);
  const side = (of: (change: ChangedField) => unknown) =>
    Object.fromEntries(changed.map((change) => [dotted(change.place), of(change) ?? null]));
  return {
    before: side(({ secret, before, wasSet }) => (secret ? mask(wasSet) : before)),
    after: side(({ secret, after, isSet }) => (secret ? mask(isSet) : after)),
  };
}
