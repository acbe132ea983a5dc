/** Written answers by what they depend on; those that nobody asked for longest go first. */
export class KeptAnswers {
  readonly #most: number;
  readonly #answers = new Map<string, Buffer>();
  #bytes = 0;

  /** At most so many bytes are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  find(key: string): Buffer | undefined {
    const found = this.#answers.get(key);
    if (found === undefined) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, found);
    return found;
  }

  keep(key: string, answer: Buffer): void {
    if (answer.length > this.#most || this.#answers.has(key)) return;
    this.#answers.set(key, answer);
    this.#bytes += sizeOf(key, answer);
    for (const [oldest, kept] of this.#answers) {
      if (this.#bytes <= this.#most) return;
      this.#answers.delete(oldest);
      this.#bytes -= sizeOf(oldest, kept);
    }
  }
}

/** With its key, which somebody may make longer than the answer. */
function sizeOf(key: string, answer: Buffer): number {
  return answer.length + 2 * key.length;
}
