/** The values of one statement: each stands in its text only as the name of a parameter. */
export class StatementValues {
  readonly all: Record<string, unknown> = {};
  #values = 0;
  #aliases = 0;

  /** Keeps the value and answers how the text refers to it. */
  add(value: unknown): string {
    const name = `v${(this.#values += 1)}`;
    this.all[name] = value;
    return `:${name}`;
  }

  /** A name for one more table in the statement. */
  alias(): string {
    return `a${(this.#aliases += 1)}`;
  }
}
