import type { EntityManager } from 'typeorm';
import type { Registry } from '../catalogue/registry.ts';
import { differenceOf, type RegistryAction } from '../registries/registry-audit.ts';
import { addToAudit } from './registry-audit.ts';
import { registryOf, TO_BE_FETCHED, valuesOf, type RegistryColumns } from './registry-columns.ts';

/** Of replicas that start together one does it after the other, so that the second finds what the first has made. */
const ALONE = 'LOCK TABLE registries IN SHARE ROW EXCLUSIVE MODE';

const REMOVE_FROM_SETTINGS = 'DELETE FROM registries WHERE from_settings AND name <> ALL ($1) RETURNING name';
/** Named in the settings again later, it is there again. */
const FORGET_REMOVALS = 'DELETE FROM removed_registries WHERE name <> ALL ($1)';

const DROP_MOVED_LISTING = `DELETE FROM listings WHERE registry IN
  (SELECT name FROM registries WHERE from_settings AND name = $1 AND url <> $2)`;

const KEEP_FROM_SETTINGS = `INSERT INTO registries (name, url, verified, local, allowed_hosts, sealed_token, from_settings)
  SELECT $1::text, $2::text, $3::boolean, $4::boolean, $5::jsonb, $6::text, true
  WHERE NOT EXISTS (SELECT 1 FROM removed_registries WHERE name = $1)
  ON CONFLICT (name) DO UPDATE SET url = excluded.url, verified = excluded.verified, local = excluded.local,
    allowed_hosts = excluded.allowed_hosts, sealed_token = excluded.sealed_token, ${TO_BE_FETCHED}
  WHERE registries.from_settings
    AND (registries.url, registries.verified, registries.local, registries.allowed_hosts, registries.sealed_token)
      IS DISTINCT FROM (excluded.url, excluded.verified, excluded.local, excluded.allowed_hosts, excluded.sealed_token)
  RETURNING name`;

/** Whoever wrote the settings has no name here. */
const ACTOR = { service: 'registry-cache' };

/** Adds, adjusts and removes registries that come from the settings, in one transaction. */
export async function keepSettings(
  manager: EntityManager,
  wanted: (stored: ReadonlyMap<string, Registry>) => readonly Registry[],
): Promise<void> {
  await manager.query(ALONE);
  const rows = await manager.query<RegistryColumns[]>('SELECT * FROM registries');
  const stored = new Map(rows.map((row) => [row.name, registryOf(row)]));
  const all = wanted(stored);
  const names = all.map(({ name }) => name);
  const tell = (registry: string, action: RegistryAction, after: Registry | null): Promise<void> =>
    addToAudit(manager, { registry, action, actor: ACTOR, ...differenceOf(stored.get(registry) ?? null, after) });

  const [removed] = await manager.query<[{ name: string }[], number]>(REMOVE_FROM_SETTINGS, [names]);
  for (const { name } of removed) await tell(name, 'remove', null);
  await manager.query(FORGET_REMOVALS, [names]);
  for (const registry of all) {
    const { name, url } = registry;
    await manager.query(DROP_MOVED_LISTING, [name, url]);
    const kept = await manager.query<unknown[]>(KEEP_FROM_SETTINGS, valuesOf(registry));
    if (kept.length > 0) await tell(name, stored.has(name) ? 'change' : 'add', registry);
  }
}
