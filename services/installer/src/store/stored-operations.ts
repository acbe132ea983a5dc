import { randomUUID } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import { QueryFailedError, type DataSource, type EntityManager } from 'typeorm';
import { endOfOperation } from '../audit/operation-entries.ts';
import { LeaseLostError } from '../operations/lease-lost.ts';
import type { Lease, NewOperation, OperationStore, StepError } from '../operations/operation-store.ts';
import type { Operation, OperationKind, OperationStatus, StepDone, StepRecord } from '../operations/operation.ts';
import { addEndToAudit } from './add-to-audit.ts';
import type { Transactions } from './transactions.ts';

interface OperationRow {
  id: string;
  tenant: string;
  plugin_id: string;
  kind: OperationKind;
  input: Operation['input'];
  progress: Operation['progress'];
  status: OperationStatus;
  error: Operation['error'];
  actor: Operation['actor'];
  parent_id: string | null;
  created_at: Date;
  finished_at: Date | null;
  steps: (Omit<StepRecord, 'startedAt' | 'finishedAt'> & { startedAt: string; finishedAt: string | null })[] | null;
}

const SELECT = `SELECT o.*, (
    SELECT json_agg(json_build_object('name', s.name, 'status', s.status, 'attempt', s.attempt, 'outcome', s.outcome,
      'error', s.error, 'startedAt', s.started_at, 'finishedAt', s.finished_at) ORDER BY s.position)
    FROM operation_steps s WHERE s.operation_id = o.id
  ) AS steps FROM operations o`;

const UNIQUE_VIOLATION = '23505';
/** Short transactions, so that nobody waits for the broom. */
const FORGET_AT_ONCE = 1_000;

/** Operations in PostgreSQL; every write of a running one proves that its lease still holds. */
export class StoredOperations implements OperationStore {
  readonly #source: DataSource;
  readonly #transactions: Transactions;

  constructor(source: DataSource, transactions: Transactions) {
    this.#source = source;
    this.#transactions = transactions;
  }

  async create(wanted: NewOperation, leaseMs: number): Promise<{ operation: Operation; lease: Lease }> {
    const { tenant, pluginId, kind, input, actor, parentId, requestKey } = wanted;
    const lease = { operationId: randomUUID(), token: randomUUID() };
    try {
      await this.#source.query(
        `INSERT INTO operations
           (id, tenant, plugin_id, kind, input, progress, status, actor, parent_id, lease_token, leased_until, request_key)
         VALUES ($1, $2, $3, $4, $5, '{}', 'running', $6, $7, $8, now() + $9 * interval '1 ms', $10)`,
        [
          lease.operationId,
          tenant,
          pluginId,
          kind,
          JSON.stringify(input),
          JSON.stringify(actor),
          parentId ?? null,
          lease.token,
          leaseMs,
          requestKey ?? null,
        ],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw await this.#busy(tenant, pluginId, error);
    }
    return { operation: await loadLeased(this.#source.manager, lease), lease };
  }

  async find(tenant: string, id: string): Promise<Operation | null> {
    return await one(this.#source.manager, `${SELECT} WHERE o.tenant = $1 AND o.id = $2`, [tenant, id]);
  }

  async findChild(parentId: string, pluginId: string, kind: OperationKind): Promise<Operation | null> {
    const where = 'WHERE o.parent_id = $1 AND o.plugin_id = $2 AND o.kind = $3';
    return await one(this.#source.manager, `${SELECT} ${where}`, [parentId, pluginId, kind]);
  }

  async findByRequest(tenant: string, requestKey: string): Promise<Operation | null> {
    const where = `WHERE o.tenant = $1 AND o.request_key = $2 AND o.status <> 'failed'
      AND o.created_at > now() - interval '24 hours' ORDER BY o.created_at DESC LIMIT 1`;
    return await one(this.#source.manager, `${SELECT} ${where}`, [tenant, requestKey]);
  }

  async forgetFinished(keptDays: number, most: number): Promise<number> {
    // What an unfinished operation has started is found again by it after a crash.
    const [, removed] = await this.#source.query<[unknown[], number]>(
      `DELETE FROM operations o WHERE o.id IN (
         SELECT id FROM (
           SELECT id, finished_at, row_number() OVER (PARTITION BY tenant ORDER BY finished_at DESC) AS place
           FROM operations WHERE finished_at IS NOT NULL
         ) finished WHERE finished_at < now() - $1 * interval '1 day' OR place > $2 LIMIT $3
       ) AND NOT EXISTS (SELECT FROM operations p WHERE p.id = o.parent_id AND p.finished_at IS NULL)`,
      [keptDays, most, FORGET_AT_ONCE],
    );
    return removed;
  }

  async findActive(tenant: string, pluginId: string): Promise<Operation | null> {
    const where = `WHERE o.tenant = $1 AND o.plugin_id = $2 AND o.status IN ('running', 'undoing')`;
    return await one(this.#source.manager, `${SELECT} ${where}`, [tenant, pluginId]);
  }

  async claimAbandoned(
    leaseMs: number,
    limit: number,
    except: string[],
  ): Promise<{ operation: Operation; lease: Lease }[]> {
    const claimed = await this.#source.query<{ id: string; lease_token: string }[]>(
      `WITH abandoned AS (
         SELECT id FROM operations WHERE status IN ('running', 'undoing') AND leased_until < now() AND id <> ALL($3)
         ORDER BY leased_until LIMIT $2 FOR UPDATE SKIP LOCKED
       ), claimed AS (
         UPDATE operations o SET lease_token = gen_random_uuid(), leased_until = now() + $1 * interval '1 ms'
         FROM abandoned WHERE o.id = abandoned.id RETURNING o.id, o.lease_token
       ) SELECT * FROM claimed`,
      [leaseMs, limit, except],
    );
    const leases = claimed.map(({ id, lease_token: token }) => ({ operationId: id, token }));
    return await Promise.all(
      leases.map(async (lease) => ({ operation: await loadLeased(this.#source.manager, lease), lease })),
    );
  }

  async renew(lease: Lease, leaseMs: number): Promise<void> {
    await write(
      this.#source.manager,
      lease,
      `UPDATE operations SET leased_until = now() + $3 * interval '1 ms' WHERE id = $1 AND lease_token = $2`,
      [leaseMs],
    );
  }

  async release(lease: Lease): Promise<void> {
    await this.#source.query(
      `UPDATE operations SET lease_token = NULL, leased_until = now() WHERE id = $1 AND lease_token = $2`,
      [lease.operationId, lease.token],
    );
  }

  async beginStep(lease: Lease, name: string): Promise<void> {
    await this.#fenced(lease, (manager) =>
      manager.query(
        `INSERT INTO operation_steps (operation_id, name, status, attempt, started_at)
         VALUES ($1, $2, 'running', 1, now())
         ON CONFLICT (operation_id, name) DO UPDATE
         SET status = 'running', attempt = operation_steps.attempt + 1, error = NULL`,
        [lease.operationId, name],
      ),
    );
  }

  completeStep(lease: Lease, name: string, done: StepDone, as: 'done' | 'undone'): Promise<Operation> {
    return this.#transactions.run(async (tx, manager) => {
      const before = await progressHeld(manager, lease);
      const found = await done.commit?.(tx);
      const progress = { ...before, ...done.progress, ...found };
      const error = done.error?.();
      await manager.query('UPDATE operations SET progress = $2, error = COALESCE($3, error) WHERE id = $1', [
        lease.operationId,
        JSON.stringify(progress),
        error === undefined ? null : JSON.stringify(error),
      ]);
      await manager.query(
        `UPDATE operation_steps SET status = $3, outcome = COALESCE($4, outcome), finished_at = now()
         WHERE operation_id = $1 AND name = $2`,
        [lease.operationId, name, as, done.outcome === undefined ? null : JSON.stringify(done.outcome)],
      );
      return await loadLeased(manager, lease);
    });
  }

  failStep(lease: Lease, name: string, error: StepError): Promise<Operation> {
    return this.#fenced(lease, async (manager) => {
      await markFailed(manager, lease, name, 'failed', error);
      await manager.query(`UPDATE operations SET status = 'undoing', error = $2 WHERE id = $1`, [
        lease.operationId,
        JSON.stringify(error),
      ]);
      return await loadLeased(manager, lease);
    });
  }

  failUndo(lease: Lease, name: string, error: StepError): Promise<void> {
    return this.#fenced(lease, (manager) => markFailed(manager, lease, name, 'undo-failed', error));
  }

  finish(lease: Lease, status: 'succeeded' | 'failed'): Promise<Operation> {
    return this.#fenced(lease, async (manager) => {
      // Settings are kept where settings are kept, and nowhere else.
      await manager.query(
        `UPDATE operations SET status = $2, finished_at = now(), input = input - 'sealedConfig',
           progress = progress::jsonb - 'settings' WHERE id = $1`,
        [lease.operationId, status],
      );
      const ended = await loadLeased(manager, lease);
      await addEndToAudit(manager, ended.tenant, endOfOperation(ended));
      return ended;
    });
  }

  async #fenced<Result>(lease: Lease, work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    return await this.#source.transaction(async (manager) => {
      await assertHeld(manager, lease);
      return await work(manager);
    });
  }

  async #busy(tenant: string, pluginId: string, cause: unknown): Promise<PlatformError> {
    const active = await this.findActive(tenant, pluginId);
    const what = active === null ? 'an operation' : `an operation (${active.kind}, ${active.id})`;
    return new PlatformError('BUSY', `Plugin ${pluginId} has ${what} under way; wait until it has finished`, {
      cause,
      ...(active === null ? {} : { details: { operationId: active.id, kind: active.kind } }),
    });
  }
}

async function assertHeld(manager: EntityManager, lease: Lease): Promise<void> {
  await progressHeld(manager, lease);
}

/** What the steps have left so far; nobody else adds to it until the transaction ends. */
async function progressHeld(manager: EntityManager, { operationId, token }: Lease): Promise<Operation['progress']> {
  const [row] = await manager.query<{ progress: Operation['progress'] }[]>(
    'SELECT progress FROM operations WHERE id = $1 AND lease_token = $2 FOR UPDATE',
    [operationId, token],
  );
  if (row === undefined) throw new LeaseLostError(operationId);
  return row.progress;
}

async function write(manager: EntityManager, lease: Lease, sql: string, parameters: unknown[]): Promise<void> {
  const [, written] = await manager.query<[unknown[], number]>(sql, [lease.operationId, lease.token, ...parameters]);
  if (written === 0) throw new LeaseLostError(lease.operationId);
}

async function markFailed(
  manager: EntityManager,
  lease: Lease,
  name: string,
  status: 'failed' | 'undo-failed',
  error: StepError,
): Promise<void> {
  await manager.query(
    `UPDATE operation_steps SET status = $3, error = $4, finished_at = now() WHERE operation_id = $1 AND name = $2`,
    [lease.operationId, name, status, JSON.stringify(error)],
  );
}

async function loadLeased(manager: EntityManager, { operationId }: Lease): Promise<Operation> {
  const operation = await one(manager, `${SELECT} WHERE o.id = $1`, [operationId]);
  if (operation === null) throw new LeaseLostError(operationId);
  return operation;
}

async function one(manager: EntityManager, sql: string, parameters: unknown[]): Promise<Operation | null> {
  const [row] = await manager.query<OperationRow[]>(sql, parameters);
  return row === undefined ? null : operationOf(row);
}

function operationOf(row: OperationRow): Operation {
  const { id, tenant, kind, input, progress, status, error, actor, steps } = row;
  return {
    ...{ id, tenant, kind, input, progress, status, error, actor },
    pluginId: row.plugin_id,
    parentId: row.parent_id,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    steps: (steps ?? []).map(({ startedAt, finishedAt, ...step }) => ({
      ...step,
      startedAt: new Date(startedAt),
      finishedAt: finishedAt === null ? null : new Date(finishedAt),
    })),
  };
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === UNIQUE_VIOLATION;
}
