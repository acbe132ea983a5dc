import { PluginUpdateAvailable, type UpdateAvailable } from '@verifywise/contracts';
import type { Database, Outbox } from '@verifywise/service-kit';
import type { AnnouncedUpdates } from '../updates/hands.ts';

/** Of two replicas that find the same update, the one whose row it becomes tells of it, in the same transaction. */
const FIRST_TOLD = `INSERT INTO announced_updates (tenant, plugin_id, version)
  SELECT $1, plugin_id, version FROM unnest($2::text[], $3::text[]) AS found (plugin_id, version)
  ON CONFLICT DO NOTHING RETURNING plugin_id, version`;

const BEGIN_SWEEP = `UPDATE update_sweeps SET leased_until = now() + $3 * interval '1 ms'
  WHERE coalesce(leased_until <= now(), true)
    AND (catalogue IS DISTINCT FROM $1 OR coalesce(finished_at < now() - $2 * interval '1 ms', true))`;

/** Who was told of which update, in PostgreSQL; `added` is called when there is a fact to publish. */
export function announcedUpdates({ source }: Database, outbox: Outbox, added: () => void): AnnouncedUpdates {
  return {
    async announce(tenant, updates) {
      const known = await source.query<{ plugin_id: string; version: string }[]>(
        'SELECT plugin_id, version FROM announced_updates WHERE tenant = $1',
        [tenant],
      );
      const told = new Set(known.map((row) => keyOf(row.plugin_id, row.version)));
      const news = updates.filter(({ pluginId, version }) => !told.has(keyOf(pluginId, version)));
      if (news.length === 0) return 0;
      const count = await source.transaction(async (manager) => {
        const first = await manager.query<{ plugin_id: string; version: string }[]>(FIRST_TOLD, [
          tenant,
          news.map(({ pluginId }) => pluginId),
          news.map(({ version }) => version),
        ]);
        const ours = new Set(first.map((row) => keyOf(row.plugin_id, row.version)));
        const payloads: UpdateAvailable[] = news.filter((one) => ours.has(keyOf(one.pluginId, one.version)));
        for (const payload of payloads) await outbox.add(manager, PluginUpdateAvailable, { tenant, payload });
        return payloads.length;
      });
      if (count > 0) added();
      return count;
    },
    async beginSweep(catalogue, everyMs, forMs) {
      const [, begun] = await source.query<[unknown, number]>(BEGIN_SWEEP, [catalogue, everyMs, forMs]);
      if (begun === 0) return undefined;
      const end = (set: string, values: unknown[]) =>
        source.query(`UPDATE update_sweeps SET leased_until = NULL${set}`, values).then(() => undefined);
      return {
        finished: () => end(', catalogue = $1, finished_at = now()', [catalogue]),
        failed: () => end('', []),
      };
    },
  };
}

function keyOf(pluginId: string, version: string): string {
  return `${pluginId} ${version}`;
}
