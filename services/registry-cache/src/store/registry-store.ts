import { randomUUID } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Database, Outbox } from '@verifywise/service-kit';
import type { Listing } from '../catalogue/registry.ts';
import type { RegistryState, RegistryStore } from '../registries/hands.ts';
import { differenceOf } from '../registries/registry-audit.ts';
import { keepSettings } from './keep-settings.ts';
import { refreshLease } from './refresh-lease.ts';
import { addToAudit } from './registry-audit.ts';
import { registryOf, TO_BE_FETCHED, valuesOf, type RegistryColumns } from './registry-columns.ts';

interface StateRow extends RegistryColumns {
  digest: string | null;
  plugins: number | null;
  problems: number | null;
  checked_age_ms: number | null;
  failed_age_ms: number | null;
  last_error: string | null;
  refreshing: boolean;
}

const CHANGE = `UPDATE registries SET url = $2, verified = $3, local = $4, allowed_hosts = $5, sealed_token = $6,
    from_settings = false, ${TO_BE_FETCHED} WHERE name = $1`;

const STATES = `SELECT r.name, r.url, r.verified, r.local, r.allowed_hosts, r.sealed_token, l.digest, l.plugins, l.problems,
    r.last_error, coalesce(r.leased_until > now(), false) AS refreshing,
    (extract(epoch FROM now() - r.checked_at) * 1000)::float8 AS checked_age_ms,
    (extract(epoch FROM now() - r.failed_at) * 1000)::float8 AS failed_age_ms
  FROM registries r LEFT JOIN listings l ON l.registry = r.name
  ORDER BY r.verified DESC, r.position`;

const ADD = `INSERT INTO registries (name, url, verified, local, allowed_hosts, sealed_token)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING RETURNING name`;

/** Registries and their listings in PostgreSQL. */
export function registryStore(database: Database, outbox: Outbox): RegistryStore {
  const { source } = database;
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
    async add(registry, actor) {
      await source.transaction(async (manager) => {
        const added = await manager.query<unknown[]>(ADD, valuesOf(registry));
        if (added.length === 0) throw taken(registry.name);
        await manager.query('DELETE FROM removed_registries WHERE name = $1', [registry.name]);
        await addToAudit(manager, { registry: registry.name, action: 'add', actor, ...differenceOf(null, registry) });
      });
    },
    change: (name, change, { action, actor }) =>
      source.transaction(async (manager) => {
        const [row] = await manager.query<RegistryColumns[]>('SELECT * FROM registries WHERE name = $1 FOR UPDATE', [
          name,
        ]);
        if (row === undefined) return false;
        const stored = registryOf(row);
        const changed = { ...change(stored), name };
        await manager.query(CHANGE, valuesOf(changed));
        // What another address listed says nothing of this one.
        if (changed.url !== stored.url) await manager.query('DELETE FROM listings WHERE registry = $1', [name]);
        await addToAudit(manager, { registry: name, action, actor, ...differenceOf(stored, changed) });
        return true;
      }),
    keepSettings: (wanted) => source.transaction((manager) => keepSettings(manager, wanted)),
    async resealToken(name, from, to) {
      await source.query('UPDATE registries SET sealed_token = $3 WHERE name = $1 AND sealed_token = $2', [
        name,
        from,
        to,
      ]);
    },
    remove: (name, actor) =>
      source.transaction(async (manager) => {
        const [rows] = await manager.query<[(RegistryColumns & { from_settings: boolean })[], number]>(
          'DELETE FROM registries WHERE name = $1 RETURNING *',
          [name],
        );
        const [removed] = rows;
        if (removed === undefined) return false;
        // The settings name it at every start, and it is not to come back.
        if (removed.from_settings)
          await manager.query('INSERT INTO removed_registries VALUES ($1) ON CONFLICT DO NOTHING', [name]);
        const gone = differenceOf(registryOf(removed), null);
        await addToAudit(manager, { registry: name, action: 'remove', actor, ...gone });
        return true;
      }),
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

function taken(name: string): PlatformError {
  return new PlatformError(
    'CONFLICT',
    `There is a registry ${name} already; change it with PATCH, or take another name`,
  );
}

function stateOf(row: StateRow): RegistryState {
  return {
    registry: registryOf(row),
    digest: row.digest,
    plugins: row.plugins ?? 0,
    problems: row.problems ?? 0,
    checkedAgeMs: row.checked_age_ms,
    failedAgeMs: row.failed_age_ms,
    lastError: row.last_error,
    refreshing: row.refreshing,
  };
}
