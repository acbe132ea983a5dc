import { percentile } from '../frame/statistics.ts';
import { KeepAliveClient, type Target } from '../isolates/keep-alive-client.ts';

/** As many requests as so many connections can make, each for the next target in turn. All targets are on one port. */
export async function roundLoad(
  next: () => Target,
  connections: number,
  forMs: number,
): Promise<{ rate: number; p99: number; requests: number }> {
  const clients = Array.from({ length: connections }, () => new KeepAliveClient(next()));
  const times: number[] = [];
  const startedAt = performance.now();
  const lane = async (client: KeepAliveClient) => {
    while (performance.now() - startedAt < forMs) {
      const askedAt = performance.now();
      const status = await client.ask(next());
      if (status !== 200) throw new Error(`A request was answered with ${status}`);
      times.push(performance.now() - askedAt);
    }
  };
  try {
    await Promise.all(clients.map(lane));
    const rate = times.length / ((performance.now() - startedAt) / 1000);
    return { rate, p99: percentile(times, 99), requests: times.length };
  } finally {
    for (const client of clients) client.close();
  }
}

/** One target after the other, and again from the first. */
export function inTurnOf(targets: readonly Target[]): () => Target {
  let at = 0;
  return () => {
    at += 1;
    return targets[at % targets.length] as Target;
  };
}
