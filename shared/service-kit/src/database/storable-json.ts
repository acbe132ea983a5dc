/** NUL, and half a surrogate pair, as JSON.stringify escapes them; not where the backslash is itself escaped. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** A value as `jsonb` can keep it: what PostgreSQL has no character for is replaced, in names and in values. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSTORABLE, '$1\uFFFD');
}
