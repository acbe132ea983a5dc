import { randomUUID } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Database, Outbox } from '@verifywise/service-kit';
import type { Listing, Registry } from '../catalogue/registry.ts';
import type { RegistryState, RegistryStore } from '../registries/hands.ts';
import { refreshLease } from './refresh-lease.ts';
import { RegistryTable, type RegistryRow } from './registry-table.ts';

interface StateRow {
  name: string;
  url: string;
  verified: boolean;
  local: boolean;
  allowed_hosts: string[];
  sealed_token: string | null;
  digest: string | null;
  plugins: number | null;
  problems: number | null;
  checked_age_ms: number | null;
  failed_age_ms: number | null;
  last_error: string | null;
  refreshing: boolean;
}

const STATES = `SELECT r.name, r.url, r.verified, r.local, r.allowed_hosts, r.sealed_token, l.digest, l.plugins, l.problems,
    r.last_error, coalesce(r.leased_until > now(), false) AS refreshing,
    (extract(epoch FROM now() - r.checked_at) * 1000)::float8 AS checked_age_ms,
    (extract(epoch FROM now() - r.failed_at) * 1000)::float8 AS failed_age_ms
  FROM registries r LEFT JOIN listings l ON l.registry = r.name
  ORDER BY r.verified DESC, r.position`;

const KEEP_FROM_SETTINGS = `INSERT INTO registries (name, url, verified, local, allowed_hosts, sealed_token, from_settings)
  VALUES ($1, $2, $3, $4, $5, $6, true)
  ON CONFLICT (name) DO UPDATE SET url = excluded.url, verified = excluded.verified, local = excluded.local,
    allowed_hosts = excluded.allowed_hosts, sealed_token = excluded.sealed_token, etag = NULL, last_modified = NULL, checked_at = NULL
  WHERE registries.from_settings
    AND (registries.url, registries.verified, registries.local, registries.allowed_hosts)
      IS DISTINCT FROM (excluded.url, excluded.verified, excluded.local, excluded.allowed_hosts)`;

/** Registries and their listings in PostgreSQL. */
export function registryStore(database: Database, outbox: Outbox): RegistryStore {
  const { source } = database;
  const registries = source.getRepository(RegistryTable);
  return {
    async states() {
      return (await source.query<StateRow[]>(STATES)).map(stateOf);
    },
    async listing(name) {
      const [row] = await source.query<{ digest: string; listing: Listing }[]>(
        'SELECT digest, listing FROM listings WHERE registry = $1',
        [name],
      );
      return row;
    },
    async add(registry) {
      const made = await registries
        .createQueryBuilder()
        .insert()
        .values(columnsOf(registry))
        .orIgnore()
        .returning('name')
        .execute();
      if ((made.raw as unknown[]).length > 0) return;
      throw new PlatformError('CONFLICT', `There is a registry ${registry.name} already; delete it first to change it`);
    },
    async keepSettings(all) {
      for (const { name, url, verified, local, allowedHosts, sealedToken } of all) {
        const hosts = JSON.stringify(allowedHosts);
        await source.query(KEEP_FROM_SETTINGS, [name, url, verified, local, hosts, sealedToken]);
      }
    },
    async remove(name) {
      const { affected } = await registries.delete({ name });
      return (affected ?? 0) > 0;
    },
    async lease(name, forMs) {
      const holder = randomUUID();
      const [, taken] = await source.query<[unknown, number]>(
        `UPDATE registries SET lease_holder = $2, leased_until = now() + $3 * interval '1 ms'
         WHERE name = $1 AND (leased_until IS NULL OR leased_until <= now())`,
        [name, holder, forMs],
      );
      return taken === 0 ? undefined : refreshLease(source, outbox, name, holder);
    },
  };
}

function columnsOf({ name, url, verified, local, allowedHosts, sealedToken }: Registry): RegistryRow {
  return { name, url, verified, local, allowedHosts, sealedToken, fromSettings: false };
}

function stateOf(row: StateRow): RegistryState {
  const { name, url, verified, local, allowed_hosts: allowedHosts, sealed_token: sealedToken } = row;
  return {
    registry: { name, url, verified, local, allowedHosts, sealedToken },
    digest: row.digest,
    plugins: row.plugins ?? 0,
    problems: row.problems ?? 0,
    checkedAgeMs: row.checked_age_ms,
    failedAgeMs: row.failed_age_ms,
    lastError: row.last_error,
    refreshing: row.refreshing,
  };
}
