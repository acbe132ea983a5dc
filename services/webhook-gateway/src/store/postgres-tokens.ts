import { randomBytes } from 'node:crypto';
import type { Database } from '@verifywise/service-kit';
import { IsNull, MoreThan, type EntityManager } from 'typeorm';
import type { Endpoint, EndpointToken, EndpointTokens } from '../intake/endpoint.ts';
import { TokenTable } from './token-table.ts';

/** As many bits as make guessing hopeless. */
const TOKEN_BYTES = 32;

export function postgresTokens({ source }: Database): EndpointTokens {
  const all = source.getRepository(TokenTable);
  return {
    async find(token) {
      const found = await all.findOneBy([
        { token, expiresAt: IsNull() },
        { token, expiresAt: MoreThan(new Date()) },
      ]);
      if (found === null) return undefined;
      const { tenant, pluginId, webhook } = found;
      return { tenant, pluginId, webhook };
    },
    current: (endpoint) => current(source.manager, endpoint),
    rotate: (endpoint, overlapSeconds) =>
      source.transaction(async (manager) => {
        const { tenant, pluginId, webhook } = endpoint;
        const [replaced] = await manager.query<[{ expires_at: Date }[], number]>(
          `UPDATE endpoint_tokens SET expires_at = now() + $4 * interval '1 second'
           WHERE tenant = $1 AND plugin_id = $2 AND webhook = $3 AND expires_at IS NULL RETURNING expires_at`,
          [tenant, pluginId, webhook, overlapSeconds],
        );
        return { current: await current(manager, endpoint), previousUntil: replaced[0]?.expires_at ?? null };
      }),
    async forgetPlugin(tenant, pluginId) {
      await all.delete({ tenant, pluginId });
    },
  };
}

/** Of two that make one at the same moment, both get the one that was first. */
async function current(manager: EntityManager, endpoint: Endpoint): Promise<EndpointToken> {
  const { tenant, pluginId, webhook } = endpoint;
  const where = { tenant, pluginId, webhook, expiresAt: IsNull() };
  const there = await manager.findOneBy(TokenTable, where);
  if (there !== null) return there;
  await manager.query(
    `INSERT INTO endpoint_tokens (token, tenant, plugin_id, webhook) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant, plugin_id, webhook) WHERE expires_at IS NULL DO NOTHING`,
    [`whk_${randomBytes(TOKEN_BYTES).toString('base64url')}`, tenant, pluginId, webhook],
  );
  return manager.findOneByOrFail(TokenTable, where);
}
