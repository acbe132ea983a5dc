import type { InstalledRecord } from '../installation/installed-plugin.ts';
import type { Transaction } from '../installation/transaction.ts';
import { sealedConfig, storedValues, type Secrets } from './sealed-config.ts';

/** Another version may call a setting a secret that the one before did not: from then on it is stored as one. */
export async function sealForVersion(
  secrets: Secrets,
  tx: Transaction,
  { tenant, pluginId, manifest }: InstalledRecord,
): Promise<void> {
  const stored = await tx.findConfig(tenant, pluginId);
  if (stored === null) return;
  const sealed = sealedConfig(secrets, manifest.config, stored, storedValues(stored));
  if (Object.keys(sealed.secrets).length > Object.keys(stored.secrets).length) await tx.saveConfig(sealed);
}
