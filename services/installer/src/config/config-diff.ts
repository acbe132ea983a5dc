import { splitConfig, type ConfigFields, type SecretPlace } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { canonicalJson } from '@verifywise/service-kit';
import { isObject, isStoredSecret, textOf, type Secrets } from './sealed-config.ts';

/** One setting that changed. Of a secret nothing is told but that it changed. */
export interface ChangedField {
  /** `limit`; `proxy/host` when it stands in an object. */
  place: SecretPlace;
  secret: boolean;
  before?: unknown;
  after?: unknown;
  /** Of a secret: whether there was one, and whether there is one now. */
  wasSet?: boolean;
  isSet?: boolean;
}

export function changedFields(
  secrets: Secrets,
  whose: { tenant: string; pluginId: string },
  fields: ConfigFields,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): ChangedField[] {
  const [old, now] = [splitConfig(fields, before, isStoredSecret), splitConfig(fields, after, isStoredSecret)];
  const plain = propertiesChanged(fields, old.values, now.values, '');
  const places = [...new Set([...old.secrets.keys(), ...now.secrets.keys()])];
  const secret = places
    .filter((place) => !isSame(secrets, whose, old.secrets.get(place), now.secrets.get(place)))
    .map((place) => ({
      place,
      secret: true,
      wasSet: old.secrets.has(place),
      isSet: now.secrets.has(place),
    }));
  return [...plain, ...secret];
}

function propertiesChanged(
  fields: ConfigFields,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  prefix: string,
): ChangedField[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    fieldChanged(Object.hasOwn(fields, key) ? fields[key] : undefined, before[key], after[key], `${prefix}${key}`),
  );
}

function fieldChanged(field: ConfigField | undefined, before: unknown, after: unknown, place: string): ChangedField[] {
  // In a list, since JSON has no word for what is not there.
  if (canonicalJson([before]) === canonicalJson([after])) return [];
  if (field?.type === 'object' && field.properties !== undefined && isObject(before) && isObject(after))
    return propertiesChanged(field.properties, before, after, `${place}/`);
  return [{ place, secret: false, before, after }];
}

/** One that cannot be opened any more is the same only as long as nobody touches it. */
function isSame(secrets: Secrets, whose: { tenant: string; pluginId: string }, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  if (isStoredSecret(one) && isStoredSecret(other) && one.sealed === other.sealed) return true;
  try {
    return textOf(secrets, whose, one) === textOf(secrets, whose, other);
  } catch {
    return false;
  }
}
