import { PermissionDeniedError } from './permission-denied.ts';

/** A plugin that tries the same thing in a loop has one line in its log for it in each such period. */
const AGAIN_AFTER_MS = 60_000;
/** More kinds of denials than this in one period say nothing new. */
const MOST_LINES = 50;

type LogDenial = (message: string, meta: { code: unknown; permission?: unknown }) => void;

/** Writes to the plugin's log what it was kept from; it often catches the error and carries on with less. */
export class Denials {
  readonly #log: LogDenial;
  readonly #now: () => number;
  readonly #told = new Set<string>();
  #since = Number.NEGATIVE_INFINITY;

  constructor(log: LogDenial, now = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Logs the denial, and hands it back to be thrown. */
  of<Denied extends Error>(denied: Denied): Denied {
    if (this.#now() - this.#since >= AGAIN_AFTER_MS) {
      this.#told.clear();
      this.#since = this.#now();
    }
    const { message } = denied;
    if (this.#told.has(message) || this.#told.size > MOST_LINES) return denied;
    this.#told.add(message);
    const { code, permission } = denied as { code?: unknown; permission?: unknown };
    const last = this.#told.size > MOST_LINES;
    this.#log(last ? 'Further denials of this minute are not logged' : message, { code, permission });
    return denied;
  }

  /** A function that only throws, in the place of one that plugins never get. */
  never(tried: string, instead?: string): () => never {
    const denied = () => this.of(PermissionDeniedError.never(tried, instead));
    // No arrow: what it stands in for may be called with `new`.
    return function refused() {
      throw denied();
    };
  }
}
