import { PlatformError } from '@verifywise/contracts';
import { pause } from '../pause.ts';
import { LONGEST_REQUEST_MS } from './longest-request.ts';

/** By then an update is mostly over. */
const RETRY_AFTER_CUT_OFF_S = 2;
/** More than this nobody reads in a failure's report. */
const NAMED_AT_MOST = 5;
/** The end of a connection is noticed before the end of the process that caused it. */
const JUST_FAILED_MS = 1_000;

interface Use {
  what: string;
  /** Why the platform ended the plugin's process in the middle of it. */
  cutOff: string | undefined;
}

/** What a plugin is doing for somebody now: an event, a job, a request. */
export class PluginUses {
  readonly #open = new Map<Promise<unknown>, Use>();
  #lastAt = performance.now();
  #failed: { what: string; at: number } | undefined;

  /** Counts as something the plugin does until `done` is settled. */
  async until<Result>(done: Promise<Result>, what: string): Promise<Result> {
    const use: Use = { what, cutOff: undefined };
    this.#open.set(done, use);
    try {
      return await done;
    } catch (error) {
      if (use.cutOff !== undefined && isEndOfProcess(error)) throw cutOffError(use.cutOff, error);
      this.#failed = { what, at: performance.now() };
      throw error;
    } finally {
      this.#open.delete(done);
      this.touch();
    }
  }

  /** Somebody is about to need it. */
  touch(): void {
    this.#lastAt = performance.now();
  }

  get busy(): boolean {
    return this.#open.size > 0;
  }

  /** What a process that has just ended was doing: `event risk:created, GET /activity`; undefined when it did nothing. */
  get lastWords(): string | undefined {
    const failed = this.#failed && performance.now() - this.#failed.at < JUST_FAILED_MS ? [this.#failed.what] : [];
    const named = [...[...this.#open.values()].map(({ what }) => what), ...failed].slice(0, NAMED_AT_MOST);
    return named.length === 0 ? undefined : named.join(', ');
  }

  /** For how long it has had nothing to do; 0 while it has. */
  get idleMs(): number {
    return this.busy ? 0 : performance.now() - this.#lastAt;
  }

  /** Resolves when everything it does now is done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open.keys());
  }

  /** The same, for as long as anybody waits for a plugin that is to leave; a stream may never end. */
  async settledInTime(): Promise<void> {
    if (this.busy) await Promise.race([this.settled(), pause(LONGEST_REQUEST_MS)]);
  }

  /** The platform ends the process now; what it has not answered has not failed, and is to be asked again. */
  cutOff(because: string): void {
    for (const use of this.#open.values()) use.cutOff = because;
  }
}

function isEndOfProcess(error: unknown): boolean {
  return error instanceof PlatformError && (error.code === 'PLUGIN_CRASHED' || error.code === 'UPSTREAM_FAILED');
}

function cutOffError(because: string, cause: unknown): PlatformError {
  return new PlatformError('UNAVAILABLE', `${because} before it had answered; ask again`, {
    details: { retryAfterSeconds: RETRY_AFTER_CUT_OFF_S },
    cause,
  });
}
