import type { ProcessFigures } from './process-figures.ts';

/** Fast enough that what allocates a gigabyte a second is seen before it hurts its neighbours. */
const LOOK_EVERY_MS = 250;
/** The CPU time of a process is gone with it, so it is noted now and then while it lives: at every eighth look. */
const NOTE_CPU_EVERY = 8;

const MB = 1024 * 1024;

interface Watched {
  figures: ProcessFigures;
  over: (usedMb: number) => void;
}

/** Sees to it that no isolate takes more memory than it may, whatever the memory is made of; one timer looks at all of them. */
export class IsolateMemory {
  readonly limitMb: number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  constructor(limitMb: number) {
    this.limitMb = limitMb;
  }

  /** Calls `over` when the process has more in memory than the limit; answers the end of the watch. */
  watch(figures: ProcessFigures, over: (usedMb: number) => void): () => void {
    const watched = { figures, over };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    this.#looks += 1;
    for (const { figures, over } of [...this.#watched]) {
      const used = figures.residentBytes() ?? 0;
      if (used > this.limitMb * MB) over(Math.round(used / MB));
      else if (this.#looks % NOTE_CPU_EVERY === 0) figures.cpuSeconds();
    }
  }
}
