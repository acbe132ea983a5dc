/// <reference lib="esnext.error" />

/** True for every error, also one made in another realm (a vm context), which instanceof does not see. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Error.isError(thrown);
}

/** What a thrown thing says. A host with several addresses fails with several errors and no message of its own. */
export function messageOf(thrown: unknown): string {
  if (!isError(thrown)) return String(thrown);
  if (thrown.message !== '') return thrown.message;
  const parts = 'errors' in thrown && Array.isArray(thrown.errors) ? thrown.errors.map(messageOf) : [];
  return parts.length > 0 ? [...new Set(parts)].join(', ') : thrown.name;
}

/** The code of an error of Node or a driver: `ECONNREFUSED`, `28P01`. */
export function codeOf(thrown: unknown): string | undefined {
  return isError(thrown) && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
