import { eventOfFact } from './event-names.ts';
import { endedAProcess } from './event-retries.ts';
import type { LaneEvent } from './lane-event.ts';

/**
 * What an event is about, when its plugin wants only the events about the same in order; undefined when it is to be handled alone. One
 * at which a process has ended is handled alone the next time, so that no other is blamed for it.
 */
export function subjectOf(
  { envelope, retry }: Pick<LaneEvent, 'envelope' | 'retry'>,
  orderedBy: Record<string, string> = {},
): string | undefined {
  const event = eventOfFact(envelope.type);
  if (endedAProcess(retry) || !Object.hasOwn(orderedBy, event)) return undefined;
  const field = orderedBy[event] ?? '';
  const payload = (envelope.payload ?? {}) as Record<string, unknown>;
  const value = Object.hasOwn(payload, field) ? payload[field] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? `${field} ${typeof value} ${value}` : undefined;
}
