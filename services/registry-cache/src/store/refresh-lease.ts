import { PlatformError, RegistryRefreshed } from '@verifywise/contracts';
import type { Outbox } from '@verifywise/service-kit';
import type { DataSource, EntityManager } from 'typeorm';
import type { Registry } from '../catalogue/registry.ts';
import type { RefreshLease } from '../registries/hands.ts';

interface LeasedRow {
  name: string;
  url: string;
  verified: boolean;
  local: boolean;
  allowed_hosts: string[];
  sealed_token: string | null;
  etag: string | null;
  last_modified: string | null;
}

const KEEP_LISTING = `INSERT INTO listings (registry, digest, listing, plugins, problems, fetched_at)
  VALUES ($1, $2, $3, $4, $5, now())
  ON CONFLICT (registry) DO UPDATE SET digest = excluded.digest, listing = excluded.listing, plugins = excluded.plugins,
    problems = excluded.problems, fetched_at = excluded.fetched_at`;

/** A refresh that `holder` may carry out; every word of it ends the right to it. */
export async function refreshLease(
  source: DataSource,
  outbox: Outbox,
  name: string,
  holder: string,
): Promise<RefreshLease> {
  const [row] = await source.query<LeasedRow[]>('SELECT * FROM registries WHERE name = $1', [name]);
  if (row === undefined) throw new PlatformError('REGISTRY_NOT_FOUND', `There is no registry ${name}`);

  const settle = async (manager: EntityManager, set: string, values: unknown[] = []): Promise<boolean> => {
    const [, settled] = await manager.query<[unknown, number]>(
      `UPDATE registries SET lease_holder = NULL, leased_until = NULL, ${set} WHERE name = $1 AND lease_holder = $2`,
      [name, holder, ...values],
    );
    return settled > 0;
  };
  const CHECKED = 'checked_at = now(), failed_at = NULL, last_error = NULL';

  return {
    registry: registryOf(row),
    validators: { etag: row.etag, lastModified: row.last_modified },
    succeed: (listing, digest, { etag, lastModified }) =>
      source.transaction(async (manager) => {
        if (!(await settle(manager, `${CHECKED}, etag = $3, last_modified = $4`, [etag, lastModified]))) return false;
        const { plugins, problems } = listing;
        const counts = [plugins.length, problems.length];
        await manager.query(KEEP_LISTING, [name, digest, JSON.stringify(listing), ...counts]);
        const payload = { registry: name, plugins: plugins.length, quarantined: problems.length };
        await outbox.add(manager, RegistryRefreshed, { tenant: null, payload });
        return true;
      }),
    async unchanged() {
      await settle(source.manager, CHECKED);
    },
    async fail(message) {
      await settle(source.manager, 'failed_at = now(), last_error = $3', [message.slice(0, 1000)]);
    },
  };
}

function registryOf(row: LeasedRow): Registry {
  const { name, url, verified, local, allowed_hosts: allowedHosts, sealed_token: sealedToken } = row;
  return { name, url, verified, local, allowedHosts, sealedToken };
}
