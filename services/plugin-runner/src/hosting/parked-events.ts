import type { Envelope } from '@verifywise/contracts';
import type { EventRetry } from './event-retries.ts';

/** Whose events are parked. */
export interface LaneName {
  tenant: string;
  pluginId: string;
}

/** Which partition a runner holds, and since which claim of it. */
export interface Tenure {
  partition: number;
  epoch: number;
}

export interface UnparkedEvent {
  envelope: Envelope;
  retry: EventRetry | undefined;
}

export interface ParkedEvent extends UnparkedEvent {
  /** Its place in its lane; later ones have greater ones. */
  position: number;
}

/** Events that wait for a plugin in the database instead of at the broker, so that they keep nobody else waiting (architecture §3). */
export interface ParkedEvents {
  /**
   * Keeps them in this order behind all that are kept for the lane already. Answers their places by the id of the event, without those
   * that were kept already; null when this runner does not hold the partition any more, and nothing was kept.
   */
  add(lane: LaneName, events: UnparkedEvent[], tenure: Tenure): Promise<Map<string, number> | null>;
  /** The first ones behind this place. */
  after(lane: LaneName, position: number, atMost: number): Promise<ParkedEvent[]>;
  /** They are done with. */
  remove(lane: LaneName, positions: number[]): Promise<void>;
  keepRetry(lane: LaneName, position: number, retry: EventRetry | undefined): Promise<void>;
  /** Those that some handlers have failed at and were to be called again for. */
  withRetry(lane: LaneName): Promise<ParkedEvent[]>;
  removeAll(lane: LaneName): Promise<void>;
  /** How many are parked for each plugin of a partition that has any. */
  ofPartition(partition: number): Promise<(LaneName & { parked: number })[]>;
}
