import type { Database } from '@verifywise/service-kit';
import type { DeclaredWebhooks, KnownWebhooks } from '../intake/surfaces.ts';

/** What plugins declared when a runner last said so; read when none is there to say. */
export function postgresKnownWebhooks({ source }: Database): KnownWebhooks {
  return {
    async find(tenant, pluginId) {
      const [row] = await source.query<{ declared: DeclaredWebhooks }[]>(
        'SELECT declared FROM known_webhooks WHERE tenant = $1 AND plugin_id = $2',
        [tenant, pluginId],
      );
      return row?.declared;
    },
    async keep(tenant, pluginId, declared) {
      // Anybody can make up addresses, so only what was there once is remembered as gone.
      if (declared === null) {
        await source.query(
          "UPDATE known_webhooks SET declared = 'null' WHERE tenant = $1 AND plugin_id = $2 AND declared <> 'null'",
          [tenant, pluginId],
        );
        return;
      }
      await source.query(
        `INSERT INTO known_webhooks AS known (tenant, plugin_id, declared) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, plugin_id) DO UPDATE SET declared = EXCLUDED.declared WHERE known.declared <> EXCLUDED.declared`,
        [tenant, pluginId, JSON.stringify(declared)],
      );
    },
  };
}
