import type { CrashReason } from './isolate-crash.ts';
import type { IsolateProcess, IsolateState } from './isolate-process.ts';

export interface LastCrash {
  reason: CrashReason;
  message: string;
  at: Date;
}

/** A plugin's process as operators see it. */
export interface IsolateFigures {
  state: IsolateState;
  /** Of the state. */
  since: Date;
  pid: number | undefined;
  startedAt: Date | undefined;
  residentBytes: number | undefined;
  cpuSeconds: number;
}

/** What is known of a plugin's processes, beyond the end of each. */
export class IsolateRecord {
  lastCrash: LastCrash | undefined;
  #state: 'stopped' | 'crashed' = 'stopped';
  #since = new Date();
  #cpuSeconds = 0;
  /** On its way out, while no other runs. */
  #ending: IsolateProcess | undefined;

  figures(running: IsolateProcess | undefined): IsolateFigures {
    const { pid, startedAt, since = this.#since, state = this.#state, figures } = running ?? this.#ending ?? {};
    const cpuSeconds = this.#cpuSeconds + (figures?.cpuSeconds() ?? 0);
    return { state, since, pid, startedAt, residentBytes: figures?.residentBytes(), cpuSeconds };
  }

  /** A process ends now; what it has used is known once it is gone. */
  ends(ending: IsolateProcess | undefined): void {
    this.#become(ending?.state === 'crashed' ? 'crashed' : 'stopped');
    this.#ending = ending;
  }

  gone(ended: IsolateProcess | undefined): void {
    this.#cpuSeconds += ended?.figures?.cpuSeconds() ?? 0;
    if (this.#ending === ended) this.#ending = undefined;
  }

  crashed(reason: CrashReason, message: string): void {
    this.lastCrash = { reason, message, at: new Date() };
    // The process of a hook that took too long was ended by its runner, and counts as crashed all the same.
    if (reason === 'hook-timeout') this.#become('crashed');
  }

  #become(state: 'stopped' | 'crashed'): void {
    this.#state = state;
    this.#since = new Date();
  }
}
