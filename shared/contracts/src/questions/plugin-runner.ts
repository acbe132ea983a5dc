import { partitionQuestion, question } from '../messages.ts';
import type { Surface } from '../surface.ts';

export interface PartitionHolder {
  runnerId: string;
  /** Where other runners reach it over HTTP. */
  url: string;
  /** Grows with every change of holder; what an older epoch finishes late is not recorded. */
  epoch: number;
}
/** Answered by whoever consumes a partition: asking makes it take hold of the partition if it has not yet. */
export const FindHolder = partitionQuestion<{ partition: number }, PartitionHolder>('find-holder');

/** Asked by gateway and host SDK, answered by any runner from the shared table; null when the plugin is not enabled. */
export const FindSurface = question<{ pluginId: string }, Surface | null>('plugin-runner', 'find-surface');

/** Every enabled plugin of the tenant with its surface. */
export const ListSurfaces = question<Record<string, never>, { pluginId: string; version: string; surface: Surface }[]>(
  'plugin-runner',
  'list-surfaces',
);
