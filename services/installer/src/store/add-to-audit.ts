import type { EntityManager } from 'typeorm';
import type { AuditEntry } from '../audit/audit-log.ts';

/** What of an operation's input is no choice of the admin's, says where a package lies, or has an entry of its own. */
const NOT_ASKED = `ARRAY['downloadUrl', 'uploaded', 'sealedConfig']`;

/** Adds an entry in the transaction of the change it tells of. */
export async function addToAudit(manager: EntityManager, tenant: string, entry: AuditEntry): Promise<void> {
  const { pluginId, action, actor, before, after, operationId, outcome = 'succeeded', error } = entry;
  await manager.query(
    `INSERT INTO audit (tenant, plugin_id, action, actor, before, after, operation_id, outcome, error, request, parent_operation_id)
     SELECT $1, $2, $3, $4::jsonb, $5::jsonb, $6::jsonb, $7::uuid, $8, $9::jsonb, o.input - ${NOT_ASKED}, o.parent_id
     FROM (SELECT $7::uuid AS id) asked LEFT JOIN operations o ON o.id = asked.id`,
    [
      ...[tenant, pluginId, action, jsonOf(actor), jsonOf(before), jsonOf(after), operationId ?? null],
      ...[outcome, jsonOf(error)],
    ],
  );
}

/** What the end of an operation tells, unless a step has told that it succeeded. */
export async function addEndToAudit(manager: EntityManager, tenant: string, entry: AuditEntry): Promise<void> {
  if (entry.outcome === 'unchanged') {
    const told = await manager.query<unknown[]>('SELECT 1 FROM audit WHERE operation_id = $1 LIMIT 1', [
      entry.operationId,
    ]);
    if (told.length > 0) return;
  }
  await addToAudit(manager, tenant, entry);
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
