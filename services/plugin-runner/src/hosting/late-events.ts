import type { Lane } from './lane.ts';

const LOOKS_IN_THE_TIME = 4;

interface Parts {
  /** An event that the broker has kept for this long keeps others waiting. */
  afterMs: number;
  lanes: () => Iterable<Pick<Lane, 'parkOlderThan'>>;
}

/** Parks what waits for long, or takes long, so that the broker goes on with the events of others; one timer for all lanes. */
export class LateEvents {
  readonly #timer: NodeJS.Timeout;

  constructor({ afterMs, lanes }: Parts) {
    this.#timer = setInterval(() => {
      for (const lane of lanes()) lane.parkOlderThan(afterMs);
    }, afterMs / LOOKS_IN_THE_TIME).unref();
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}
