/** What is wrong in a definition, an association or a call of a model. */
export class ModelInvalidError extends Error {
  readonly code = 'MODEL_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'ModelInvalidError';
  }
}

/** For lists of what would have been right. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? 'none' : all.join(', ');
}
