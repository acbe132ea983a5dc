import type { Logger } from '@verifywise/service-kit';

/** Looked at this often at least, so that many idle plugins do not all fall asleep at once. */
const LOOK_EVERY_AT_MOST_MS = 15_000;
const LOOKS_IN_THE_TIME = 4;

export interface Sleeper {
  /** Stops its process when it has had nothing to do for `idleMs`; whatever comes wakes it. */
  sleepIfIdle(idleMs: number): Promise<void>;
}

interface SleepParts {
  /** Without work for this long a plugin falls asleep; 0: never. */
  idleMs: number;
  plugins: () => Iterable<Sleeper>;
  log: Logger;
}

/** Puts plugins to sleep that have nothing to do; one timer for all of them. */
export class Sleep {
  readonly #parts: SleepParts;
  readonly #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(parts: SleepParts) {
    this.#parts = parts;
    if (parts.idleMs === 0) return;
    const everyMs = Math.min(parts.idleMs / LOOKS_IN_THE_TIME, LOOK_EVERY_AT_MOST_MS);
    this.#timer = setInterval(() => void this.#look(), everyMs).unref();
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { plugins, idleMs, log } = this.#parts;
    const looked = await Promise.allSettled([...plugins()].map((plugin) => plugin.sleepIfIdle(idleMs)));
    for (const look of looked) {
      if (look.status === 'rejected') log.warn({ err: look.reason as unknown }, 'A plugin could not be put to sleep');
    }
    this.#looking = false;
  }
}
