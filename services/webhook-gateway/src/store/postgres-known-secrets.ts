import type { Database } from '@verifywise/service-kit';
import type { KnownSecrets, SealedSecrets } from '../verification/webhook-secrets.ts';

/** Secrets of webhooks as they were sealed when an installer last said; read when none is there to say. */
export function postgresKnownSecrets({ source }: Database): KnownSecrets {
  return {
    async find({ tenant, pluginId, webhook }) {
      const [row] = await source.query<{ sealed: SealedSecrets }[]>(
        'SELECT sealed FROM known_secrets WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3',
        [tenant, pluginId, webhook],
      );
      return row?.sealed;
    },
    async keep({ tenant, pluginId, webhook }, sealed) {
      await source.query(
        `INSERT INTO known_secrets AS known (tenant, plugin_id, webhook, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, plugin_id, webhook) DO UPDATE SET sealed = EXCLUDED.sealed WHERE known.sealed <> EXCLUDED.sealed`,
        [tenant, pluginId, webhook, JSON.stringify(sealed)],
      );
    },
  };
}
