import { ModelInvalidError } from '../../isolate/models/invalid.ts';

/** Below what PostgreSQL takes in one statement; a comparison with a list is one. */
const MOST_COMPARISONS = 5_000;

/** The values of one statement: each stands in its text only as the name of a parameter. */
export class StatementValues {
  readonly all: Record<string, unknown> = {};
  #values = 0;
  #comparisons = 0;
  #aliases = 0;

  /** Keeps the value and answers how the text refers to it. */
  add(value: unknown): string {
    const name = `v${(this.#values += 1)}`;
    this.all[name] = value;
    return `:${name}`;
  }

  /** Counts one; throws MODEL_INVALID when there are too many. */
  comparison(): void {
    if ((this.#comparisons += 1) <= MOST_COMPARISONS) return;
    throw new ModelInvalidError(`A call may compare at most ${MOST_COMPARISONS} times; compare with a list by "in"`);
  }

  /** A name for one more table in the statement. */
  alias(): string {
    return `a${(this.#aliases += 1)}`;
  }
}
