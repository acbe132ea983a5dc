import { PlatformError, RegistryRefreshed } from '@verifywise/contracts';
import type { Outbox } from '@verifywise/service-kit';
import type { DataSource, EntityManager } from 'typeorm';
import { READING } from '../catalogue/read-listing.ts';
import type { RefreshLease } from '../registries/hands.ts';
import { registryOf, type RegistryColumns } from './registry-columns.ts';

interface LeasedRow extends RegistryColumns {
  etag: string | null;
  last_modified: string | null;
  reading: number;
  digest: string | null;
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
  const [row] = await source.query<LeasedRow[]>(
    'SELECT r.*, l.digest FROM registries r LEFT JOIN listings l ON l.registry = r.name WHERE r.name = $1',
    [name],
  );
  if (row === undefined) throw new PlatformError('REGISTRY_NOT_FOUND', `There is no registry ${name}`);

  const settle = async (manager: EntityManager, set: string, values: unknown[] = []): Promise<boolean> => {
    const [, settled] = await manager.query<[unknown, number]>(
      `UPDATE registries SET lease_holder = NULL, leased_until = NULL, ${set} WHERE name = $1 AND lease_holder = $2`,
      [name, holder, ...values],
    );
    return settled > 0;
  };
  const CHECKED = `checked_at = now(), failed_at = NULL, last_error = NULL, reading = ${READING}, etag = $3, last_modified = $4`;
  // What another version of us has read is to be read again, although it has not changed.
  const isReadLikeThis = row.reading === READING && row.digest !== null;

  return {
    registry: registryOf(row),
    validators: isReadLikeThis
      ? { etag: row.etag, lastModified: row.last_modified }
      : { etag: null, lastModified: null },
    digest: row.digest,
    succeed: (listing, digest, { etag, lastModified }) =>
      source.transaction(async (manager) => {
        if (!(await settle(manager, CHECKED, [etag, lastModified]))) return false;
        const { plugins, problems } = listing;
        const counts = [plugins.length, problems.length];
        await manager.query(KEEP_LISTING, [name, digest, JSON.stringify(listing), ...counts]);
        const payload = { registry: name, plugins: plugins.length, quarantined: problems.length };
        await outbox.add(manager, RegistryRefreshed, { tenant: null, payload });
        return true;
      }),
    async unchanged({ etag, lastModified }) {
      await settle(source.manager, CHECKED, [etag, lastModified]);
    },
    async fail(message) {
      await settle(source.manager, 'failed_at = now(), last_error = $3', [message.slice(0, 1000)]);
    },
  };
}
