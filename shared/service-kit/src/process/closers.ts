import { messageOf } from '../errors/thrown.ts';
import { within } from './within.ts';

interface Step {
  name: string;
  close: () => unknown;
}

/** Thrown when not everything could be closed; `errors` says what went wrong, one for each thing that did not close. */
export class CloseError extends AggregateError {}

/** Collects what was opened, so that it is closed in reverse order: last opened, first closed. */
export class Closers {
  readonly #steps: Step[] = [];
  #closing: Promise<void> | undefined;

  /** Remembers a thing to close and gives it back. What is added after closing has begun is closed at once. */
  add<T extends { close(): unknown }>(thing: T): T {
    this.addStep(thing.constructor.name, () => thing.close());
    return thing;
  }

  /** Remembers a step by a name that a person on call understands. */
  addStep(name: string, close: () => unknown): void {
    if (this.#closing !== undefined) {
      // A start that was overtaken by a stop must not leave open what it opens late.
      this.#closing = this.#closing.then(async () => {
        await close();
      });
      return;
    }
    this.#steps.push({ name, close });
  }

  /**
   * Closes everything in reverse order, one after the other, also when one of them fails; within `deadlineMs` in all.
   * Rejects with CloseError when something failed or the deadline passed. Called again, it gives the same promise.
   */
  closeAll(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#closeSteps(deadlineMs);
    return this.#closing;
  }

  async #closeSteps(deadlineMs: number): Promise<void> {
    const endsAt = performance.now() + deadlineMs;
    const errors: Error[] = [];
    const outOfTime = new Error('it took longer than the stop deadline allows');
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await within(endsAt - performance.now(), step.close, () => outOfTime);
      } catch (error) {
        errors.push(new Error(`${step.name} did not close: ${messageOf(error)}`, { cause: error }));
        if (error === outOfTime) {
          errors.push(...this.#steps.toReversed().map(({ name }) => new Error(`${name} was not closed: out of time`)));
          break;
        }
      }
    }
    if (errors.length > 0) throw new CloseError(errors, errors.map((error) => error.message).join('; '));
  }
}
