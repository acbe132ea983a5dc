import { PlatformError } from '@verifywise/contracts';
import type { OpenTransaction, PluginStatementRunner, TransactionEvents } from '../../capabilities/database.ts';
import type { StatementAnswer } from './bounded-statement.ts';
import type { Access, PluginConnection, PluginConnections, PluginOwner } from './plugin-connections.ts';
import { queryError } from './query-errors.ts';
import { statementKind } from './statement-kind.ts';
import { checkTableNames } from './table-names.ts';
import type { TransactionEventStore } from './transaction-events.ts';

/** Runs what plugins say to PostgreSQL: one statement a call, as their own role, named as tables of theirs must be. */
export class PluginStatements implements PluginStatementRunner {
  readonly #connections: Pick<PluginConnections, 'acquire'>;
  readonly #events: TransactionEventStore;

  constructor(connections: Pick<PluginConnections, 'acquire'>, events: TransactionEventStore) {
    this.#connections = connections;
    this.#events = events;
  }

  async query(owner: PluginOwner, sql: string, params: readonly unknown[]): Promise<StatementAnswer> {
    const kind = statementKind(sql);
    if (kind === 'refused' || kind === 'savepoint') throw refused(kind);
    const connection = await this.#connections.acquire(owner, accessOf(owner));
    try {
      const answer =
        kind === 'plain' || kind === 'alone'
          ? await connection.client.query(sql, params)
          : await inTransaction(connection, async () => {
              const done = await connection.client.query(sql, params);
              await checkTableNames(connection, owner.pluginId);
              return done;
            });
      if (connection.client.state !== 'idle') throw new Error('The statement left a transaction open');
      connection.release();
      return answer;
    } catch (error) {
      connection.release(error);
      throw queryError(owner, error);
    }
  }

  async begin(owner: PluginOwner): Promise<OpenTransaction> {
    const connection = await this.#connections.acquire(owner, accessOf(owner));
    try {
      await connection.client.query('BEGIN');
    } catch (error) {
      connection.release(error);
      throw queryError(owner, error);
    }
    return new PluginTransaction(owner, connection, this.#events);
  }
}

/** One transaction of a plugin, on one session, from BEGIN to its end. */
class PluginTransaction implements OpenTransaction {
  readonly #owner: PluginOwner;
  readonly #connection: PluginConnection;
  readonly #events: TransactionEventStore;
  /** Why it can only be rolled back. */
  #spoiled: PlatformError | undefined;

  constructor(owner: PluginOwner, connection: PluginConnection, events: TransactionEventStore) {
    this.#owner = owner;
    this.#connection = connection;
    this.#events = events;
  }

  async query(sql: string, params: readonly unknown[]): Promise<StatementAnswer> {
    if (this.#spoiled) throw this.#spoiled;
    const kind = statementKind(sql);
    if (kind === 'refused') throw refused(kind);
    try {
      const answer = await this.#connection.client.query(sql, params);
      if (this.#connection.client.state === 'idle') throw new Error('The statement ended the transaction');
      if (kind === 'definition') await checkTableNames(this.#connection, this.#owner.pluginId);
      return answer;
    } catch (error) {
      const known = queryError(this.#owner, error);
      // PostgreSQL knows of its own errors; a table with a wrong name it would commit.
      if (kind === 'definition' && this.#connection.client.state === 'transaction') this.#spoiled = known;
      throw known;
    }
  }

  async commit(events: TransactionEvents | null): Promise<void> {
    if (this.#spoiled) {
      this.rollback();
      throw this.#spoiled;
    }
    try {
      const written = events ? await this.#events.write(this.#connection.client, this.#owner, events) : undefined;
      const { command } = await this.#connection.client.query('COMMIT');
      const committed = command === 'COMMIT';
      this.#connection.release();
      if (written) await this.#events.settle(written, committed);
      if (!committed) throw rolledBack();
    } catch (error) {
      this.#connection.release(error);
      throw queryError(this.#owner, error);
    }
  }

  rollback(): void {
    this.#connection.release();
  }

  end(): void {
    this.#connection.destroy();
  }
}

/** Commits what `work` did, or nothing of it. */
async function inTransaction<Result>({ client }: PluginConnection, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    if (client.state) await client.query('ROLLBACK');
    throw error;
  }
}

function accessOf({ granted }: PluginOwner): Access {
  return granted.includes('database:write') ? 'write' : 'read';
}

function refused(kind: 'refused' | 'savepoint'): PlatformError {
  const message =
    kind === 'savepoint'
      ? 'A savepoint is made inside a transaction; use db.transaction'
      : 'BEGIN, COMMIT, ROLLBACK, COPY and LISTEN are not for a query; use db.transaction for transactions';
  return new PlatformError('QUERY_FAILED', message, { details: { sqlState: '0A000' } });
}

function rolledBack(): PlatformError {
  const message = 'The transaction was rolled back, because a statement of it had failed';
  return new PlatformError('QUERY_FAILED', message, { details: { sqlState: '40000' } });
}
