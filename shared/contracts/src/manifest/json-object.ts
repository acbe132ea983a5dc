export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object of these entries; unlike assignment, a key such as `__proto__` is only a key. */
export function objectFrom<Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> {
  return Object.fromEntries(entries);
}

/** Keys that begin with `_` or `$` are an author's own notes (contract §3). */
export function isComment(key: string): boolean {
  return key.startsWith('_') || key.startsWith('$');
}
