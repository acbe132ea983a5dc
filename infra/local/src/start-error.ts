/** Something that kept the platform from starting, in one sentence that says what and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What an error says to a person, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
