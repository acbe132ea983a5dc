import type { Database } from '@verifywise/service-kit';
import type { Throttles } from '../intake/throttle.ts';

/** What would wait longer is refused after all: nobody wants it any more, and the queue would only grow. */
const LONGEST_WAIT = '1 hour';

export function postgresThrottles({ source }: Database): Throttles {
  return {
    async isWaiting(tenant, pluginId) {
      const rows = await source.query<unknown[]>(
        'SELECT 1 FROM throttles WHERE tenant = $1 AND plugin_id = $2 AND next_at > now()',
        [tenant, pluginId],
      );
      return rows.length > 0;
    },
    async reserve(tenant, pluginId, { everyMs, notBeforeMs }) {
      const [row] = await source.query<{ in_ms: number }[]>(
        `INSERT INTO throttles AS taken (tenant, plugin_id, next_at) VALUES ($1, $2, now() + $4 * interval '1 ms')
         ON CONFLICT (tenant, plugin_id) DO UPDATE
           SET next_at = GREATEST(taken.next_at + $3 * interval '1 ms', EXCLUDED.next_at)
           WHERE taken.next_at < now() + interval '${LONGEST_WAIT}'
         RETURNING (extract(epoch FROM next_at - now()) * 1000)::float8 AS in_ms`,
        [tenant, pluginId, everyMs, notBeforeMs],
      );
      return row?.in_ms;
    },
  };
}
