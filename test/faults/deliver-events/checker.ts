import type { Handled } from './history.ts';

/** An event that the host has committed. */
export interface Emitted {
  tenant: string;
  sequence: number;
  eventId: string;
}

export interface Verdict {
  /** Committed by the host, neither handled to the end nor kept as a failed delivery. */
  lost: Emitted[];
  /** Handled to the end by more than one call; only the further ones. */
  duplicates: Handled[];
  /** Begun for the first time after a later one of its tenant had begun. */
  outOfOrder: Handled[];
  /** Pairs of one tenant that two processes handled to the end at the same time. */
  overlaps: [Handled, Handled][];
}

/** Compares what the host has committed with what the plugins have done. `setAside`: ids of events kept as failed deliveries. */
export function check(emitted: Emitted[], calls: Handled[], setAside: ReadonlySet<string> = new Set()): Verdict {
  const ended = calls.filter(({ endedAt }) => endedAt !== undefined);
  const handled = new Set(ended.map(({ eventId }) => eventId));
  const byTenant = Map.groupBy(calls, ({ tenant }) => tenant);
  return {
    lost: emitted.filter(({ eventId }) => !handled.has(eventId) && !setAside.has(eventId)),
    duplicates: ended.filter((call, index) => ended.findIndex(({ eventId }) => eventId === call.eventId) < index),
    outOfOrder: [...byTenant.values()].flatMap(outOfOrder),
    overlaps: [...byTenant.values()].flatMap(overlapping),
  };
}

function outOfOrder(calls: Handled[]): Handled[] {
  const seen = new Set<string>();
  let last = -Infinity;
  return calls.filter(({ eventId, sequence }) => {
    if (seen.has(eventId)) return false;
    seen.add(eventId);
    const late = sequence < last;
    last = Math.max(last, sequence);
    return late;
  });
}

/** What a process began that was killed has no end, and overlaps with nothing. */
function overlapping(calls: Handled[]): [Handled, Handled][] {
  const pairs: [Handled, Handled][] = [];
  let open: Handled[] = [];
  for (const call of calls.filter(({ endedAt }) => endedAt !== undefined)) {
    open = open.filter(({ endedAt = 0 }) => endedAt > call.begunAt);
    for (const other of open) if (other.pid !== call.pid) pairs.push([other, call]);
    open.push(call);
  }
  return pairs;
}
