import type { SurfaceWebhook } from '@verifywise/contracts';
import type { Endpoint } from './endpoint.ts';
import type { Quota } from './quota.ts';

const MINUTE_MS = 60_000;

/** When the next request of a plugin may be handed over, over all gateways. */
export interface Throttles {
  /** Whether some wait already: who comes later must not be handed over before them. */
  isWaiting(tenant: string, pluginId: string): Promise<boolean>;
  /** The next turn, in milliseconds from now; undefined when the queue is too long. */
  reserve(
    tenant: string,
    pluginId: string,
    pace: { everyMs: number; notBeforeMs: number },
  ): Promise<number | undefined>;
}

export type Turn = { kind: 'now' } | { kind: 'later'; inMs: number } | { kind: 'refused' };

/** What becomes of a request when there may be too many: at once, later (`overflow: 'queue'`), or not at all. */
export async function turnOf(
  throttles: Throttles,
  { tenant, pluginId }: Endpoint,
  { overflow }: Pick<SurfaceWebhook, 'overflow'>,
  { exceeded, limit, resetSeconds }: Quota,
): Promise<Turn> {
  if (overflow !== 'queue') return { kind: exceeded ? 'refused' : 'now' };
  if (!exceeded && !(await throttles.isWaiting(tenant, pluginId))) return { kind: 'now' };
  const inMs = await throttles.reserve(tenant, pluginId, {
    everyMs: MINUTE_MS / limit,
    // The rest of this minute is used up; what waits goes on in the next.
    notBeforeMs: exceeded ? resetSeconds * 1_000 : 0,
  });
  return inMs === undefined ? { kind: 'refused' } : { kind: 'later', inMs };
}
