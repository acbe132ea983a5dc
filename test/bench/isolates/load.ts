import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../frame/statistics.ts';
import { KeepAliveClient } from './keep-alive-client.ts';
import type { Target } from './keep-alive-client.ts';

const TICK_MS = 5;
/** A request that is still under way this long after the load has ended counts as lost. */
const LAST_ANSWERS_WITHIN_MS = 10_000;

/** As many requests as so many connections can make, each for the next target in turn. All targets are on one port. */
export async function fullLoad(
  next: () => Target,
  connections: number,
  forMs: number,
): Promise<{ rate: number; p99: number; requests: number }> {
  const clients = Array.from({ length: connections }, () => new KeepAliveClient(next()));
  const times: number[] = [];
  const startedAt = performance.now();
  const lane = async (client: KeepAliveClient) => {
    while (performance.now() - startedAt < forMs) times.push(await timed(client, next()));
  };
  try {
    await Promise.all(clients.map(lane));
    const rate = times.length / ((performance.now() - startedAt) / 1000);
    return { rate, p99: percentile(times, 99), requests: times.length };
  } finally {
    for (const client of clients) client.close();
  }
}

/** Requests at a steady rate, to one target after the other, however slowly they are answered. */
export class SteadyLoad {
  readonly #targets: readonly Target[];
  readonly #idle = new Map<Target, KeepAliveClient[]>();
  readonly #all: KeepAliveClient[] = [];
  readonly #perSecond: number;

  constructor(targets: readonly Target[], perSecond: number) {
    this.#targets = targets;
    this.#perSecond = perSecond;
  }

  /** Resolves with the 99th percentile of the answer times, each counted from when its request was due. */
  async until(done: () => boolean): Promise<number> {
    const startedAt = performance.now();
    const times: number[] = [];
    const underWay: Promise<void>[] = [];
    let count = 0;
    while (!done()) {
      await pause(TICK_MS);
      for (; ; count += 1) {
        const due = startedAt + (count / this.#perSecond) * 1000;
        if (due > performance.now()) break;
        underWay.push(
          this.#ask(count).then(() => {
            times.push(performance.now() - due);
          }),
        );
      }
    }
    const late = pause(LAST_ANSWERS_WITHIN_MS, 'late' as const, { ref: false });
    if ((await Promise.race([Promise.all(underWay), late])) === 'late') throw new Error('Neighbours stopped answering');
    return percentile(times, 99);
  }

  close(): void {
    for (const client of this.#all) client.close();
  }

  async #ask(count: number): Promise<void> {
    const target = this.#targets[count % this.#targets.length] as Target;
    const idle = this.#idle.get(target) ?? [];
    this.#idle.set(target, idle);
    const client = idle.pop() ?? this.#connect(target);
    await timed(client);
    idle.push(client);
  }

  #connect(target: Target): KeepAliveClient {
    const client = new KeepAliveClient(target);
    this.#all.push(client);
    return client;
  }
}

async function timed(client: KeepAliveClient, target?: Target): Promise<number> {
  const startedAt = performance.now();
  const status = await client.ask(target);
  if (status !== 200) throw new Error(`A request was answered with ${status}`);
  return performance.now() - startedAt;
}
