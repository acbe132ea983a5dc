import { splitConfig } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { canonicalJson } from '@verifywise/service-kit';
import { holdsSecret, isObject, isStoredSecret } from './sealed-config.ts';
import { isKept, SECRET_MASK } from './secret-mask.ts';

/** Which stored item's secrets an item of a new list keeps: the one at a place, none, or nobody can tell. */
export type Partner = { at: number } | 'unclear' | undefined;

/**
 * Items of a list have no names, and a secret must never go to another account than its own. So items that look alike but for their
 * secrets belong together; one that looks like none before was edited where it stands, when the list is as long as before.
 */
export function itemPartners(field: ConfigField, given: unknown[], stored: unknown[]): Partner[] {
  const looks = new Map<string, { wanting: number[]; holding: number[] }>();
  const lookOf = (item: unknown) => {
    const look = appearance(field, item);
    const known = looks.get(look) ?? { wanting: [], holding: [] };
    looks.set(look, known);
    return known;
  };
  const partners: Partner[] = given.map(() => undefined);
  const taken = new Set<number>();
  const pair = (index: number, at: number) => {
    partners[index] = { at };
    taken.add(at);
  };

  for (const [at, item] of stored.entries()) if (hasStored(item)) lookOf(item).holding.push(at);
  for (const [index, item] of given.entries()) if (wantsKept(field, item)) lookOf(item).wanting.push(index);
  const sameLength = given.length === stored.length;
  const edited: number[] = [];
  for (const { wanting, holding } of looks.values()) {
    if (holding.length === 0) edited.push(...wanting);
    else if (wanting.length === holding.length)
      for (const [nth, index] of wanting.entries()) pair(index, holding[nth] ?? index);
    else if (sameLength) for (const index of wanting) pair(index, index);
    else for (const index of wanting) partners[index] = 'unclear';
  }
  for (const index of edited) {
    if (sameLength && !taken.has(index)) pair(index, index);
    else if (isMasked(field, given[index])) partners[index] = 'unclear';
  }
  return partners;
}

/** The item without its secrets, the same whatever the order of its keys. */
function appearance(field: ConfigField, item: unknown): string {
  const { values } = splitConfig({ item: field }, { item }, isStoredSecret);
  return canonicalJson(values);
}

function hasStored(item: unknown): boolean {
  if (Array.isArray(item)) return item.some(hasStored);
  return isStoredSecret(item) || (isObject(item) && Object.values(item).some(hasStored));
}

/** Whether any secret of it is to stay as it was. */
function wantsKept(field: ConfigField, item: unknown): boolean {
  return someSecret(field, item, isKept);
}

function isMasked(field: ConfigField, item: unknown): boolean {
  return someSecret(field, item, (given) => given === SECRET_MASK);
}

function someSecret(field: ConfigField, item: unknown, is: (given: unknown) => boolean): boolean {
  if (!holdsSecret(field)) return false;
  if (field.type === 'array') {
    const { items } = field;
    return items !== undefined && Array.isArray(item) && item.some((inner) => someSecret(items, inner, is));
  }
  if (field.type === 'object') {
    const held = isObject(item) ? item : {};
    return Object.entries(field.properties ?? {}).some(([key, inner]) => someSecret(inner, held[key], is));
  }
  return is(item);
}
