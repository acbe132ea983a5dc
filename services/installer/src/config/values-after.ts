import {
  MOST_CONFIG_CHARACTERS,
  PlatformError,
  storableIssues,
  validateConfig,
  type ConfigFields,
  type ConfigIssue,
} from '@verifywise/contracts';
import type { ConfigRecord } from '../installation/installed-plugin.ts';
import { configInvalid, unclearIssue, unreadableIssue } from './config-issues.ts';
import { withChanges } from './given-values.ts';
import { isStoredSecret, sealedConfig, type Secrets } from './sealed-config.ts';

export function emptyConfig(tenant: string, pluginId: string): ConfigRecord {
  return { tenant, pluginId, values: {}, secrets: {}, retainedSince: null };
}

/** Throws when settings of so many characters are more than a plugin may have. */
export function assertRoom(characters: number, how = ''): void {
  if (characters <= MOST_CONFIG_CHARACTERS) return;
  const message = `The configuration has ${characters} characters together${how}`;
  throw configInvalid([{ path: '', message, hint: `Keep it below ${MOST_CONFIG_CHARACTERS}` }]);
}

/** Throws when no settings could ever be kept so, whatever the plugin. */
export function assertStorable(changes: Record<string, unknown>): void {
  const unstorable = storableIssues(changes, 'The configuration');
  if (unstorable.length > 0) throw configInvalid(unstorable);
}

/** The values after these changes; throws everything that is wrong with them, all at once. */
export function valuesAfter(
  fields: ConfigFields,
  before: Record<string, unknown>,
  changes: Record<string, unknown>,
): Record<string, unknown> {
  assertStorable(changes);
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

/** These values as they are stored; throws when they are too many together. */
export function sealedNext(
  secrets: Secrets,
  fields: ConfigFields,
  stored: ConfigRecord,
  after: Record<string, unknown>,
): ConfigRecord {
  try {
    const next = sealedConfig(secrets, fields, stored, after);
    assertRoom(JSON.stringify([next.values, next.secrets]).length, ', encrypted as it is stored');
    return next;
  } catch (error) {
    // A secret that moved within its list is sealed for its new place.
    if (error instanceof PlatformError && error.code !== 'CONFIG_INVALID')
      throw configInvalid([unreadableIssue(error)]);
    throw error;
  }
}
