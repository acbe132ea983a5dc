import { PlatformError } from '@verifywise/contracts';

interface OpenCall {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** What an isolate was asked and has not answered yet. */
export class OpenCalls {
  readonly #open = new Map<number, OpenCall>();
  #nextId = 1;

  /** Asks with a number of its own; rejects with HANDLER_TIMED_OUT after `limitMs`. */
  ask(limitMs: number, say: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id);
        reject(new PlatformError('HANDLER_TIMED_OUT', `The plugin did not finish within ${limitMs / 1000} s`));
      }, limitMs);
      this.#open.set(id, { resolve, reject, timer });
      try {
        say(id);
      } catch (error) {
        // What cannot be said is not waited for.
        this.settle(id, { error: error as Error });
      }
    });
  }

  /** Gives an answer to whoever waits for it; nobody does when it came too late. */
  settle(id: number, outcome: { answer: unknown } | { error: Error }): void {
    const call = this.#open.get(id);
    if (!call) return;
    this.#open.delete(id);
    clearTimeout(call.timer);
    if ('error' in outcome) call.reject(outcome.error);
    else call.resolve(outcome.answer);
  }

  failAll(error: Error): void {
    for (const id of [...this.#open.keys()]) this.settle(id, { error });
  }
}
