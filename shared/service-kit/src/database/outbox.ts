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

/** Writes facts beside the data they tell of; `startRelay` publishes them. Needs OutboxMigration. */
export function createOutbox(database: Database): Outbox {
  return {
    database,
    async add(manager, fact, message) {
      if (manager.queryRunner?.isTransactionActive !== true)
        throw new Error('A fact is added to the outbox inside the transaction that makes it true');
      const id = message.id ?? randomUUID();
      // Ids are given at insert and seen at commit; without this a later id could be seen, and published, first.
      await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [
        `outbox:${database.schema}:${message.tenant ?? ''}`,
      ]);
      await manager.query(
        `INSERT INTO outbox (message_id, fact, tenant, payload, time, correlation_id, traceparent)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [
          id,
          fact.name,
          message.tenant,
          JSON.stringify(message.payload ?? null),
          message.time ?? new Date(),
          message.correlationId ?? null,
          message.traceparent ?? null,
        ],
      );
      return id;
    },
  };
}
