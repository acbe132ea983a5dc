import { PlatformError } from '@verifywise/contracts';
import type { RunFilters } from './run-filters.ts';
import { isPlainObject } from './run-filters.ts';

/** As long as the host has for a filter of its own. */
const DEADLINE_MS = 5_000;
/** So often a filter may be applied inside of its own handlers. */
const DEEPEST_OF_ONE = 3;
/** So many filters may be inside of each other. */
const DEEPEST = 10;
/** What a plugin's isolate says about where it applies a filter need not be true; this ends a circle that hides itself. */
const MOST_AT_ONCE = 1_000;

/** Who applies a filter, as its runner knows it. */
export interface ApplyingPlugin {
  readonly tenant: string;
  readonly pluginId: string;
  readonly stage: string;
}

export type ApplyFilters = (
  plugin: ApplyingPlugin,
  filter: string,
  data: Record<string, unknown>,
  within: string[],
) => Promise<Record<string, unknown>>;

/** `context.applyFilters`: the same chain as the host's; a filter that applies itself comes to an end. */
export function createApplyFilters(runFilters: RunFilters): ApplyFilters {
  const underWay = new Map<string, number>();
  return async function applyFilters({ tenant, pluginId, stage }, filter, data, within) {
    if (typeof filter !== 'string' || !isPlainObject(data))
      throw new PlatformError('FILTER_INVALID', 'A filter has a name, and its data is an object');
    const around = Array.isArray(within) ? within.filter((name) => typeof name === 'string') : [];
    assertEnds(filter, around);

    const key = `${tenant}/${pluginId}`;
    const atOnce = underWay.get(key) ?? 0;
    if (atOnce >= MOST_AT_ONCE)
      throw new PlatformError('BUSY', `${pluginId} applies ${atOnce} filters at once already; wait for some of them`);
    underWay.set(key, atOnce + 1);
    try {
      // While its own onEnable runs it cannot be asked, and waiting for it would be waiting for itself.
      const without = stage === 'enabled' ? {} : { without: pluginId };
      const run = await runFilters(tenant, { filter, data }, { deadlineMs: DEADLINE_MS, within: around, ...without });
      return run.data;
    } finally {
      const left = (underWay.get(key) ?? 1) - 1;
      if (left > 0) underWay.set(key, left);
      else underWay.delete(key);
    }
  };
}

function assertEnds(filter: string, around: string[]): void {
  const inItself = around.filter((name) => name === filter).length;
  if (inItself >= DEEPEST_OF_ONE || around.length >= DEEPEST) {
    const path = [...around, filter].slice(-DEEPEST).join(' → ');
    throw new PlatformError(
      'FILTER_INVALID',
      `${filter} was not applied, because its handlers apply it again and again: ${path}`,
    );
  }
}
