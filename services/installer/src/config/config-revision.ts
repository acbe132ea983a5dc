import { createHash } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { ConfigRecord, InstalledRecord } from '../installation/installed-plugin.ts';

/** Another one after every change of the settings, or of the version whose settings they are; of secrets it knows the sealed form only. */
export function configRevision({ version }: Pick<InstalledRecord, 'version'>, stored: ConfigRecord | null): string {
  const content = JSON.stringify([version, stored?.values ?? {}, stored?.secrets ?? {}]);
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

/** Refuses what was meant for settings as they are no more. */
export function assertRevision(pluginId: string, current: string, expected: string[] | undefined): void {
  if (expected === undefined || expected.includes(current) || expected.includes('*')) return;
  throw new PlatformError(
    'PRECONDITION_FAILED',
    `The settings of ${pluginId} have changed since you read them; read them again (GET /api/plugins/${pluginId}/config) and repeat your change`,
  );
}
