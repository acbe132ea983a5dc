import { afterEachOther, byKid, type Database, type SealedOwner, type SealedStore } from '@verifywise/service-kit';
import { underNewGeneration } from '../config/new-generation.ts';
import type { Transactions } from './transactions.ts';

interface ConfigRow {
  tenant: string;
  pluginId: string;
  secrets: Record<string, string>;
}

const COUNT = `SELECT split_part(s.value, ':', 2) AS kid, count(*)::integer AS count
  FROM configs, jsonb_each_text(secrets) s GROUP BY 1`;
const AT_ONCE = 50;
const NEXT = `SELECT tenant, plugin_id AS "pluginId", secrets FROM configs
  WHERE (tenant, plugin_id) > ($2, $3)
    AND EXISTS (SELECT FROM jsonb_each_text(secrets) s WHERE split_part(s.value, ':', 2) <> $1)
  ORDER BY tenant, plugin_id LIMIT ${AT_ONCE}`;

/** The secrets of plugins' settings, for a change of keys. */
export function sealedConfigs({ source }: Database, transactions: Transactions): SealedStore {
  return {
    what: 'settings of plugins',
    count: async () => byKid(await source.query<{ kid: string; count: number }[]>(COUNT)),
    async *owners(exceptKid) {
      const next = (...after: [string, string]) => source.query<ConfigRow[]>(NEXT, [exceptKid, ...after]);
      for await (const row of afterEachOther(next)) yield ownerOf(transactions, row);
    },
  };
}

function ownerOf(transactions: Transactions, { tenant, pluginId, secrets }: ConfigRow): SealedOwner {
  return {
    secrets: Object.entries(secrets).map(([field, sealed]) => ({ place: { tenant, pluginId, field }, sealed })),
    replace: (renewed) =>
      transactions.run(async (tx, manager) => {
        const record = await tx.lockInstallation(tenant, pluginId);
        const [, replaced] = await manager.query<[unknown[], number]>(
          'UPDATE configs SET secrets = $4 WHERE tenant = $1 AND plugin_id = $2 AND secrets = $3',
          [tenant, pluginId, JSON.stringify(secrets), JSON.stringify(renewed)],
        );
        if (replaced === 0) return false;
        // Runners have a copy, which must not need a key that is taken away tomorrow.
        if (record !== null) await underNewGeneration(tx, record);
        return true;
      }),
  };
}
