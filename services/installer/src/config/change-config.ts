import { missingConfig, PlatformError, PluginConfigChanged, validateConfig } from '@verifywise/contracts';
import type { Installation } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { ConfigMissingError } from '../installation/errors.ts';
import { targetInstallationOf, type ConfigRecord, type InstalledRecord } from '../installation/installed-plugin.ts';
import { factOf, lock } from '../installation/settle.ts';
import type { Actor, Transact, Transaction } from '../installation/transaction.ts';
import { isSecret, SECRET_MASK } from './secret-fields.ts';

/** Seals and opens the secrets of one plugin of one tenant. */
export interface Secrets {
  seal(value: string, place: { tenant: string; pluginId: string; field: string }): string;
  open(sealed: string, place: { tenant: string; pluginId: string; field: string }): string;
}

export interface ConfigChangeRequest {
  /** Fields to set; null clears one. What is absent stays. */
  changes: Record<string, unknown>;
  actor: Actor;
}

export type ChangeConfig = (tenant: string, pluginId: string, request: ConfigChangeRequest) => Promise<Installation>;

/** Validates, seals and stores values, tells the runner and keeps the history; all of it or nothing. */
export function createChangeConfig(needs: { transact: Transact; secrets: Secrets }): ChangeConfig {
  return (tenant, pluginId, { changes, actor }) =>
    needs.transact(async (tx) => {
      const record = await lock(tx, tenant, pluginId);
      const fields = record.target?.manifest.config ?? record.manifest.config;
      const stored = (await tx.findConfig(tenant, pluginId)) ?? emptyConfig(tenant, pluginId);
      const effective = effectiveChanges(fields, changes);
      const next = merged(needs.secrets, fields, stored, effective);
      assertValid(needs.secrets, fields, next, effective);
      const missing = missingConfig(fields, { ...next.values, ...next.secrets });
      if (missing.length > 0 && record.desired === 'enabled') throw new ConfigMissingError(pluginId, missing);
      const changed = changedFields(needs.secrets, stored, next, effective);
      if (changed.length === 0) return targetInstallationOf(record, stored);
      return await save(tx, record, { stored, next, changed, fields, actor });
    });
}

function emptyConfig(tenant: string, pluginId: string): ConfigRecord {
  return { tenant, pluginId, values: {}, secrets: {}, retainedSince: null };
}

/** An empty secret and the mask of a form mean: as it was (contract §5). */
function effectiveChanges(fields: Record<string, ConfigField>, changes: Record<string, unknown>) {
  const unknown = Object.keys(changes).filter((key) => !Object.hasOwn(fields, key));
  if (unknown.length > 0) {
    const known = Object.keys(fields).join(', ');
    const hint = known === '' ? 'This plugin has no settings' : `The settings are ${known}`;
    throw new PlatformError('CONFIG_INVALID', `There is no setting ${unknown.join(', ')}. ${hint}`, {
      details: { issues: unknown.map((key) => ({ path: `/${key}`, message: `"${key}" is not a setting`, hint })) },
    });
  }
  return new Map(
    Object.entries(changes).filter(
      ([key, value]) => !isSecret(fields[key]) || (value !== '' && value !== SECRET_MASK && value !== undefined),
    ),
  );
}

function merged(
  secrets: Secrets,
  fields: Record<string, ConfigField>,
  stored: ConfigRecord,
  changes: Map<string, unknown>,
): ConfigRecord {
  const { tenant, pluginId } = stored;
  const next = { ...stored, values: { ...stored.values }, secrets: { ...stored.secrets } };
  for (const [field, value] of changes) {
    const room = isSecret(fields[field]) ? next.secrets : next.values;
    if (value === null) Reflect.deleteProperty(room, field);
    else if (room === next.values) next.values[field] = value;
    // What is no text is refused below, before anything is stored.
    else if (typeof value === 'string') next.secrets[field] = secrets.seal(value, { tenant, pluginId, field });
  }
  return next;
}

/** Only what is required may still be missing; that keeps the plugin from being enabled, not its settings from being saved. */
function assertValid(
  secrets: Secrets,
  fields: Record<string, ConfigField>,
  next: ConfigRecord,
  changes: Map<string, unknown>,
): void {
  const { tenant, pluginId } = next;
  const plain: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(next.values)) if (Object.hasOwn(fields, field)) plain[field] = value;
  for (const [field, sealed] of Object.entries(next.secrets)) {
    if (isSecret(fields[field])) plain[field] = secrets.open(sealed, { tenant, pluginId, field });
  }
  for (const [field, value] of changes) if (value !== null) plain[field] = value;
  const issues = validateConfig(fields, plain).filter(({ rule }) => rule !== 'required');
  if (issues.length === 0) return;
  throw new PlatformError('CONFIG_INVALID', issues.map(({ message }) => message).join('; '), { details: { issues } });
}

function changedFields(
  secrets: Secrets,
  stored: ConfigRecord,
  next: ConfigRecord,
  changes: Map<string, unknown>,
): string[] {
  const { tenant, pluginId } = stored;
  const open = ({ secrets: sealed }: ConfigRecord, field: string) =>
    sealed[field] === undefined ? undefined : secrets.open(sealed[field], { tenant, pluginId, field });
  return [...changes.keys()].filter((field) => {
    const plainChanged = JSON.stringify(stored.values[field]) !== JSON.stringify(next.values[field]);
    return plainChanged || open(stored, field) !== open(next, field);
  });
}

async function save(
  tx: Transaction,
  record: InstalledRecord,
  change: {
    stored: ConfigRecord;
    next: ConfigRecord;
    changed: string[];
    fields: Record<string, ConfigField>;
    actor: Actor;
  },
): Promise<Installation> {
  const { stored, next, changed, fields, actor } = change;
  const { tenant, pluginId } = record;
  await tx.saveConfig(next);
  const generation = await tx.nextGeneration();
  // While an operation is under way its target is what runs, so the new generation is the target's.
  const { target } = record;
  const saved: InstalledRecord =
    target === null
      ? { ...record, generation, updatedAt: new Date() }
      : { ...record, target: { ...target, generation } };
  await tx.saveInstallation(saved);
  if (target === null) await tx.tellRunner(saved);
  for (const field of changed) {
    const secret = isSecret(fields[field]);
    const plain = secret ? {} : { before: stored.values[field], after: next.values[field] };
    await tx.recordConfigChange(tenant, { pluginId, field, secret, actor, ...plain });
  }
  await tx.audit(tenant, { pluginId, action: 'config', actor, after: { fields: changed } });
  await tx.publish(PluginConfigChanged, tenant, { ...factOf(saved), fields: changed });
  return targetInstallationOf(saved, next);
}
