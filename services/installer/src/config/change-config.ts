import { missingConfig, PluginConfigChanged, type ConfigFields, type Installation } from '@verifywise/contracts';
import { ConfigMissingError } from '../installation/errors.ts';
import { targetInstallationOf, type ConfigRecord, type InstalledRecord } from '../installation/installed-plugin.ts';
import { factOf, lock } from '../installation/settle.ts';
import type { Actor, Transact, Transaction } from '../installation/transaction.ts';
import { changedFields, type ChangedField } from './config-diff.ts';
import { assertRevision, configRevision } from './config-revision.ts';
import { underNewGeneration } from './new-generation.ts';
import { storedValues, type Secrets } from './sealed-config.ts';
import { changedKeys, recordChanges, shownChange } from './tell-of-changes.ts';
import { emptyConfig, sealedNext, valuesAfter } from './values-after.ts';

export interface ConfigChangeRequest {
  /** Fields to set; null clears one. What is absent stays. */
  changes: Record<string, unknown>;
  actor: Actor;
  /** Only when the settings are still as one of these says (If-Match). */
  expected?: string[];
}

export type ChangeConfig = (tenant: string, pluginId: string, request: ConfigChangeRequest) => Promise<Installation>;

/**
 * Validates, seals and stores values, tells the runner and keeps the history; all of it or nothing. Changes of two who ask at once are
 * made one after the other, and each touches only the fields it names.
 */
export function createChangeConfig(needs: { transact: Transact; secrets: Secrets }): ChangeConfig {
  const { transact, secrets } = needs;
  return (tenant, pluginId, { changes, actor, expected }) =>
    transact(async (tx) => {
      const record = await lock(tx, tenant, pluginId);
      const fields = record.target?.manifest.config ?? record.manifest.config;
      const stored = (await tx.findConfig(tenant, pluginId)) ?? emptyConfig(tenant, pluginId);
      assertRevision(pluginId, configRevision(record, stored), expected);
      const before = storedValues(stored);
      const after = valuesAfter(fields, before, changes);
      assertNothingMissing(record, fields, before, after);
      const changed = changedFields(secrets, stored, fields, before, after);
      if (changed.length === 0) return targetInstallationOf(record, stored);
      return await save(tx, record, { next: sealedNext(secrets, fields, stored, after), changed, actor });
    });
}

/** What was missing before may stay so: an update may ask for more than there is. */
function assertNothingMissing(
  { pluginId, desired, target }: InstalledRecord,
  fields: ConfigFields,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): void {
  // While it is being enabled it has seen them already.
  if ((target?.desired ?? desired) !== 'enabled') return;
  const known = new Set(missingConfig(fields, before));
  const missing = missingConfig(fields, after).filter((field) => !known.has(field));
  if (missing.length > 0) throw ConfigMissingError.whileEnabled(pluginId, missing);
}

async function save(
  tx: Transaction,
  record: InstalledRecord,
  { next, changed, actor }: { next: ConfigRecord; changed: ChangedField[]; actor: Actor },
): Promise<Installation> {
  const { tenant, pluginId } = record;
  await tx.saveConfig(next);
  const saved = await underNewGeneration(tx, record);
  await recordChanges(tx, record, changed, actor);
  if ('userId' in actor) await tx.audit(tenant, { pluginId, action: 'config', actor, ...shownChange(changed) });
  await tx.publish(PluginConfigChanged, tenant, { ...factOf(saved), fields: changedKeys(changed) });
  return targetInstallationOf(saved, next);
}
