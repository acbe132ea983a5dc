import type { SurfaceVerify } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import type { SettingsBook } from '../intake/webhook-settings.ts';

/** An account that so many tenants claim tells nobody apart; each of them costs a signature. */
const MOST_CLAIMANTS = 20;

export function postgresSettings({ source }: Database): SettingsBook {
  const find: SettingsBook['find'] = async ({ tenant, pluginId, webhook }) => {
    const [row] = await source.query<{ verify: SurfaceVerify | null; accounts: string[] | null }[]>(
      `SELECT (SELECT verify FROM webhook_settings WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3) AS verify,
         (SELECT array_agg(account ORDER BY account) FROM sender_accounts
          WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3) AS accounts`,
      [tenant, pluginId, webhook],
    );
    return { verify: row?.verify ?? null, accounts: row?.accounts ?? [] };
  };
  return {
    find,
    async change(endpoint, { verify, accounts }) {
      const { tenant, pluginId, webhook } = endpoint;
      const place = [tenant, pluginId, webhook];
      await source.transaction(async (manager) => {
        if (verify !== undefined)
          await manager.query(
            `INSERT INTO webhook_settings (tenant, plugin_id, webhook, verify) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, plugin_id, webhook) DO UPDATE SET verify = EXCLUDED.verify`,
            [...place, verify === null ? null : JSON.stringify(verify)],
          );
        if (accounts === undefined) return;
        await manager.query(
          'DELETE FROM sender_accounts WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3 AND account <> ALL ($4)',
          [...place, accounts],
        );
        await manager.query(
          `INSERT INTO sender_accounts (tenant, plugin_id, webhook, account) SELECT $1, $2, $3, unnest($4::text[])
           ON CONFLICT DO NOTHING`,
          [...place, accounts],
        );
      });
      return find(endpoint);
    },
    async claimants(pluginId, webhook, account) {
      const rows = await source.query<{ tenant: string }[]>(
        `SELECT tenant FROM sender_accounts WHERE plugin_id = $1 AND webhook = $2 AND ($3::text IS NULL OR account = $3)
         GROUP BY tenant ORDER BY min(claimed_at) LIMIT ${MOST_CLAIMANTS}`,
        [pluginId, webhook, account ?? null],
      );
      return rows.map(({ tenant }) => ({ tenant, pluginId, webhook }));
    },
    async rateLimit(tenant, pluginId) {
      const [row] = await source.query<{ per_minute: number }[]>(
        'SELECT per_minute FROM rate_limits WHERE tenant = $1 AND plugin_id = $2',
        [tenant, pluginId],
      );
      return row?.per_minute ?? null;
    },
    async setRateLimit(tenant, pluginId, perMinute) {
      if (perMinute === null)
        await source.query('DELETE FROM rate_limits WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
      else
        await source.query(
          `INSERT INTO rate_limits (tenant, plugin_id, per_minute) VALUES ($1, $2, $3)
           ON CONFLICT (tenant, plugin_id) DO UPDATE SET per_minute = EXCLUDED.per_minute`,
          [tenant, pluginId, perMinute],
        );
    },
  };
}
