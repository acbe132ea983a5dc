import { randomUUID } from 'node:crypto';
import type { Fact } from '@verifywise/contracts';
import type { EntityManager } from 'typeorm';
import type { Database } from './open-database.ts';

/** What is said with a fact, as the broker takes it. */
export interface OutboxMessage<P> {
  tenant: string | null;
  payload: P;
  id?: string;
  time?: Date;
  correlationId?: string;
  traceparent?: string;
}

/** A fact as it waits: what was left open when it was added is settled, so that every attempt publishes the same. */
export type StoredMessage = OutboxMessage<unknown> & { id: string; time: Date };

export interface Outbox {
  readonly database: Database;
  /**
   * Adds a fact to the transaction of `manager`: it is published when the transaction is committed, and only then. Gives the message id.
   * Facts of one tenant are published in the order in which their transactions commit; call it last in a transaction, because from
   * here to the commit other transactions wait that add facts of the same tenant.
   */
  add<P>(manager: EntityManager, fact: Fact<P>, message: OutboxMessage<P>): Promise<string>;
}

/** Writes facts beside the data they tell of; `startRelay` publishes them. Needs `outboxMigrations`. */
export function createOutbox(database: Database): Outbox {
  return {
    database,
    async add(manager, fact, message) {
      if (manager.queryRunner?.isTransactionActive !== true)
        throw new Error('A fact is added to the outbox inside the transaction that makes it true');
      const id = message.id ?? randomUUID();
      const values = [
        ...[id, fact.name, message.tenant, JSON.stringify(message.payload ?? null), message.time ?? new Date()],
        ...[message.correlationId ?? null, message.traceparent ?? null],
      ];
      await insertInTurn(manager, `tenant:${message.tenant ?? ''}`, values);
      return id;
    },
  };
}

/** Ids are given at insert and seen at commit; so that no later id is seen, and published, first, a tenant's row is locked until the commit. */
const INSERT = `
  WITH turn AS MATERIALIZED (SELECT 1 FROM outbox_turns WHERE name = $1 FOR UPDATE)
  INSERT INTO outbox (message_id, fact, tenant, payload, time, correlation_id, traceparent)
  SELECT $2::text, $3::text, $4::text, $5::json, $6::timestamptz, $7::text, $8::text FROM turn
  RETURNING id`;

async function insertInTurn(manager: EntityManager, turn: string, values: unknown[]): Promise<void> {
  const inserted = async () => (await manager.query<unknown[]>(INSERT, [turn, ...values])).length > 0;
  if (await inserted()) return;
  // The tenant's first fact ever; whoever adds its second meanwhile waits here.
  await manager.query('INSERT INTO outbox_turns VALUES ($1) ON CONFLICT DO NOTHING', [turn]);
  if (!(await inserted())) throw new Error(`The outbox has no turn "${turn}", although it was just made`);
}
