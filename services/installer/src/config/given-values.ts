import { isSecretField, type ConfigFields, type SecretPlace } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { itemPartners } from './item-partners.ts';
import { holdsSecret, isObject, isStoredSecret } from './sealed-config.ts';
import { isKept, SECRET_MASK } from './secret-mask.ts';

export interface GivenValues {
  values: Record<string, unknown>;
  /** Places in changed lists where nobody can tell which stored secret is meant. */
  unclear: SecretPlace[];
}

/**
 * The values after a change (contract §5): a field that is absent stays, null clears one, any other value takes the place of the one
 * before. Of secrets, also inside of it, what is absent, empty or masked stays.
 */
export function withChanges(
  fields: ConfigFields,
  stored: Record<string, unknown>,
  changes: Record<string, unknown>,
): GivenValues {
  const unclear: SecretPlace[] = [];
  const next = new Map(Object.entries(stored));
  for (const [key, given] of Object.entries(changes)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const value = field === undefined ? given : valueAfter(field, given, next.get(key), key, unclear);
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return { values: Object.fromEntries(next), unclear };
}

/** Undefined when nothing is left of it. */
function valueAfter(
  field: ConfigField,
  given: unknown,
  stored: unknown,
  place: SecretPlace,
  unclear: SecretPlace[],
): unknown {
  // What another version kept as a secret is masked for this one as well.
  if (isSecretField(field) ? isKept(given) : isStoredSecret(stored) && given === SECRET_MASK) return stored;
  if (given === null) return undefined;
  if (field.type === 'object' && field.properties !== undefined) {
    if (given === undefined && !holdsSecret(field)) return undefined;
    if (given !== undefined && !isObject(given)) return given;
    const held = isObject(stored) ? stored : {};
    const value = propertiesAfter(field.properties, given ?? {}, held, place, unclear);
    return given === undefined && Object.keys(value).length === 0 ? undefined : value;
  }
  if (field.type === 'array' && field.items !== undefined && holdsSecret(field.items)) {
    const items = Array.isArray(stored) ? (stored as unknown[]) : [];
    if (given === undefined) return items.length === 0 ? undefined : items;
    return Array.isArray(given) ? itemsAfter(field.items, given, items, place, unclear) : given;
  }
  return given;
}

function propertiesAfter(
  fields: ConfigFields,
  given: Record<string, unknown>,
  stored: Record<string, unknown>,
  place: SecretPlace,
  unclear: SecretPlace[],
): Record<string, unknown> {
  const secretive = Object.keys(fields).filter((key) => holdsSecret(fields[key]));
  const keys = new Set([...Object.keys(given), ...secretive]);
  return Object.fromEntries(
    [...keys].flatMap((key): [string, unknown][] => {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      const [own, before] = [ownValue(given, key), ownValue(stored, key)];
      const value = field === undefined ? own : valueAfter(field, own, before, `${place}/${key}`, unclear);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function itemsAfter(
  field: ConfigField,
  given: unknown[],
  stored: unknown[],
  place: SecretPlace,
  unclear: SecretPlace[],
): unknown[] {
  const partners = itemPartners(field, given, stored);
  return given.map((item, index) => {
    const partner = partners[index];
    const at = `${place}/${index}`;
    if (partner === 'unclear') unclear.push(at);
    const before = partner === undefined || partner === 'unclear' ? undefined : stored[partner.at];
    // In a list there is no place for nothing.
    return valueAfter(field, item, before, at, unclear) ?? (isKept(item) ? '' : item);
  });
}

function ownValue(values: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}
