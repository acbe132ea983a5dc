import { isObject } from './sealed-config.ts';

/** The same for values that say the same, whatever the order of their keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify([value], (_, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
