import { pageOf } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import type { EntityManager } from 'typeorm';
import type { RegistryAuditEntry, RegistryAuditLine, ReadRegistryAudit } from '../registries/registry-audit.ts';

const ADD = 'INSERT INTO audit (registry, action, actor, before, after) VALUES ($1, $2, $3, $4, $5)';

const READ = `SELECT id, at, registry, action, actor, before, after FROM audit
  WHERE ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR registry = $3) AND ($4::text IS NULL OR action = $4)
    AND ($5::text IS NULL OR actor->>'userId' = $5)
  ORDER BY id DESC LIMIT $1`;

/** Adds an entry in the transaction of the change it tells of. */
export async function addToAudit(manager: EntityManager, entry: RegistryAuditEntry): Promise<void> {
  const { registry, action, actor, before, after } = entry;
  await manager.query(ADD, [registry, action, ...[actor, before, after].map(jsonOf)]);
}

export function readRegistryAudit({ source }: Database): ReadRegistryAudit {
  return async ({ limit, before = null, registry = null, action = null, userId = null }) =>
    pageOf(await source.query<RegistryAuditLine[]>(READ, [limit + 1, before, registry, action, userId]), limit);
}

function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
