import { missingConfig, PluginConfigChanged } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import { changedFields } from '../config/config-diff.ts';
import { givenConfig } from '../config/given-config.ts';
import { partOf, withPart } from '../config/part-of-config.ts';
import { storedValues, type Secrets } from '../config/sealed-config.ts';
import { changedKeys, recordChanges, shownChange } from '../config/tell-of-changes.ts';
import { emptyConfig, sealedNext, valuesAfter } from '../config/values-after.ts';
import type { Operation, Step } from '../operations/operation.ts';
import { ConfigMissingError } from './errors.ts';
import type { ConfigRecord, InstalledRecord } from './installed-plugin.ts';
import { introduced } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock } from './settle.ts';
import type { Transaction } from './transaction.ts';

type Asked = Pick<Operation, 'tenant' | 'pluginId' | 'input'>;
type Version = Pick<PluginManifest, 'version' | 'config'>;

/**
 * Throws when the plugin is enabled and another version of it would lack what it requires, as enabling it would, or when what was given
 * for it does not suit that version.
 */
export async function assertSettings(
  { installations, secrets }: Pick<SagaNeeds, 'installations' | 'secrets'>,
  asked: Asked,
  version: Version,
  { enabled }: { enabled: boolean },
): Promise<void> {
  const stored = await installations.findConfig(asked.tenant, asked.pluginId);
  settingsFor(secrets, asked, version, { stored: stored ?? emptyConfig(asked.tenant, asked.pluginId), enabled });
}

function settingsFor(
  secrets: Secrets,
  asked: Asked,
  { version, config: fields }: Version,
  { stored, enabled }: { stored: ConfigRecord; enabled: boolean },
) {
  const given = givenConfig(secrets, asked);
  const before = storedValues(stored);
  const keys = Object.keys(given);
  const after = keys.length === 0 ? before : valuesAfter(fields, before, given);
  if (enabled) assertNothingMissing(asked.pluginId, { version, config: fields }, after);
  return { keys, before, after };
}

/** Throws CONFIG_MISSING when an enabled plugin would lack what this version of it requires. */
export function assertNothingMissing(
  pluginId: string,
  { version, config }: Version,
  values: Record<string, unknown>,
): void {
  const missing = missingConfig(config, values);
  if (missing.length > 0) throw ConfigMissingError.inVersion(pluginId, version, missing);
}

/**
 * Stores the settings that came with the request once the version before has nothing more to do with them; undone, they are again what
 * they were before it starts anew.
 */
export function settingsStep({ secrets }: SagaNeeds): Step {
  return {
    name: 'settings',
    applies: ({ input }) => input.sealedConfig !== undefined,
    run: ({ operation }) =>
      Promise.resolve({
        async commit(tx) {
          const { tenant, pluginId, actor, progress } = operation;
          const { manifest } = introduced(operation);
          await lock(tx, tenant, pluginId);
          const stored = (await tx.findConfig(tenant, pluginId)) ?? emptyConfig(tenant, pluginId);
          const enabled = progress.wasEnabled === true;
          const { keys, before, after } = settingsFor(secrets, operation, manifest, { stored, enabled });
          // The others are sealed for the new version when it has come to stay.
          const fields = Object.fromEntries(Object.entries(manifest.config).filter(([key]) => keys.includes(key)));
          const next = sealedNext(secrets, fields, stored, after);
          const changed = changedFields(secrets, stored, fields, before, after);
          await tx.saveConfig(next);
          await recordChanges(tx, operation, changed, actor);
          const told = { fields: changedKeys(changed), shown: shownChange(changed) };
          return { settings: { keys, before: partOf(stored, keys), ...told } };
        },
      }),
    undo: ({ operation }) =>
      Promise.resolve({
        async commit(tx) {
          const { tenant, pluginId, progress } = operation;
          const { settings } = progress;
          if (settings === undefined) return undefined;
          const { manifest } = await lock(tx, tenant, pluginId);
          const stored = (await tx.findConfig(tenant, pluginId)) ?? emptyConfig(tenant, pluginId);
          const restored = withPart(stored, settings.keys, settings.before);
          const [now, then] = [storedValues(stored), storedValues(restored)];
          await tx.saveConfig(restored);
          const changed = changedFields(secrets, stored, manifest.config, now, then);
          await recordChanges(tx, operation, changed, { service: 'installer' });
          return undefined;
        },
      }),
  };
}

/** Tells the audit log and whoever listens of the settings that came with a version which has come to stay. */
export async function tellOfSettings(tx: Transaction, operation: Operation, record: InstalledRecord): Promise<void> {
  const { tenant, pluginId, actor, id: operationId, progress } = operation;
  const { fields = [], shown } = progress.settings ?? {};
  if (fields.length === 0) return;
  await tx.audit(tenant, { pluginId, action: 'config', actor, ...shown, operationId });
  await tx.publish(PluginConfigChanged, tenant, { ...factOf(record), fields });
}
