import {
  dotted,
  missingConfig,
  PlatformError,
  PluginConfigChanged,
  storableIssues,
  validateConfig,
  type ConfigFields,
  type ConfigIssue,
  type Installation,
} from '@verifywise/contracts';
import { ConfigMissingError } from '../installation/errors.ts';
import { targetInstallationOf, type ConfigRecord, type InstalledRecord } from '../installation/installed-plugin.ts';
import { factOf, lock } from '../installation/settle.ts';
import type { Actor, Transact, Transaction } from '../installation/transaction.ts';
import { changedFields, type ChangedField } from './config-diff.ts';
import { configInvalid, unclearIssue, unreadableIssue } from './config-issues.ts';
import { assertRevision, configRevision } from './config-revision.ts';
import { withChanges } from './given-values.ts';
import { underNewGeneration } from './new-generation.ts';
import { isStoredSecret, sealedConfig, storedValues, type Secrets } from './sealed-config.ts';
import { SECRET_MASK } from './secret-mask.ts';

/** All settings of a plugin together, as JSON: they travel with every word of the installation. */
const MOST_CHARACTERS = 256 * 1024;

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

function emptyConfig(tenant: string, pluginId: string): ConfigRecord {
  return { tenant, pluginId, values: {}, secrets: {}, retainedSince: null };
}

/** Throws everything that is wrong with them, all at once. */
function valuesAfter(
  fields: ConfigFields,
  before: Record<string, unknown>,
  changes: Record<string, unknown>,
): Record<string, unknown> {
  const unstorable = storableIssues(changes, 'The configuration');
  if (unstorable.length > 0) throw configInvalid(unstorable);
  const { values, unclear } = withChanges(fields, before, changes);
  // What another version has left is neither shown nor judged.
  const judged = Object.entries(values).filter(([key]) => Object.hasOwn(fields, key) || Object.hasOwn(changes, key));
  const issues: ConfigIssue[] = [
    // Only what is required may still be missing; that keeps the plugin from being enabled, not its settings from being saved.
    ...validateConfig(fields, Object.fromEntries(judged), { isAccepted: isStoredSecret, mayBeMissing: true }),
    ...unclear.map(unclearIssue),
  ];
  if (issues.length > 0) throw configInvalid(issues);
  return values;
}

/** What was missing before may stay so: an update may ask for more than there is. */
function assertNothingMissing(
  { pluginId, desired }: InstalledRecord,
  fields: ConfigFields,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): void {
  if (desired !== 'enabled') return;
  const known = new Set(missingConfig(fields, before));
  const missing = missingConfig(fields, after).filter((field) => !known.has(field));
  if (missing.length > 0) throw new ConfigMissingError(pluginId, missing);
}

function sealedNext(
  secrets: Secrets,
  fields: ConfigFields,
  stored: ConfigRecord,
  after: Record<string, unknown>,
): ConfigRecord {
  try {
    const next = sealedConfig(secrets, fields, stored, after);
    const size = JSON.stringify([next.values, next.secrets]).length;
    if (size <= MOST_CHARACTERS) return next;
    const message = `The configuration has ${size} characters together, encrypted as it is stored`;
    throw configInvalid([{ path: '', message, hint: `Keep it below ${MOST_CHARACTERS}` }]);
  } catch (error) {
    // A secret that moved within its list is sealed for its new place.
    if (error instanceof PlatformError && error.code !== 'CONFIG_INVALID')
      throw configInvalid([unreadableIssue(error)]);
    throw error;
  }
}

async function save(
  tx: Transaction,
  record: InstalledRecord,
  { next, changed, actor }: { next: ConfigRecord; changed: ChangedField[]; actor: Actor },
): Promise<Installation> {
  const { tenant, pluginId } = record;
  await tx.saveConfig(next);
  const saved = await underNewGeneration(tx, record);
  for (const { place, secret, before, after } of changed) {
    await tx.recordConfigChange(tenant, { pluginId, place, secret, actor, before, after });
  }
  if ('userId' in actor) await tx.audit(tenant, { pluginId, action: 'config', actor, ...shown(changed) });
  const fields = [...new Set(changed.map(({ place }) => place.replace(/\/.*$/, '')))];
  await tx.publish(PluginConfigChanged, tenant, { ...factOf(saved), fields });
  return targetInstallationOf(saved, next);
}

function shown(changed: ChangedField[]): { before: unknown; after: unknown } {
  const mask = (isSet: boolean | undefined) => (isSet === true ? SECRET_MASK : null);
  const side = (of: (change: ChangedField) => unknown) =>
    Object.fromEntries(changed.map((change) => [dotted(change.place), of(change) ?? null]));
  return {
    before: side(({ secret, before, wasSet }) => (secret ? mask(wasSet) : before)),
    after: side(({ secret, after, isSet }) => (secret ? mask(isSet) : after)),
  };
}
