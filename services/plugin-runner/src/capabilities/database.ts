import type { Installation } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { WireEvent, WireRows } from '../isolate/protocol.ts';
import { permissionDenied } from '../permission-denied.ts';
import type { DatabaseCapabilities } from './capabilities.ts';
import type { PluginEvent } from './plugin-events.ts';
import { pluginEvent } from './plugin-events.ts';

/** More at a time would leave no connection for the plugin's other statements. */
const MOST_TRANSACTIONS = 4;
/** Locks of a transaction are held against the plugin's own other work, and keep PostgreSQL from cleaning up. */
const TRANSACTION_LIMIT_MS = 30_000;

type Owner = Pick<Installation, 'tenant' | 'pluginId' | 'granted'>;

/** Events that are published when, and only when, the transaction is committed. */
export type TransactionEvents = PluginEvent[];

/** One transaction, from its beginning until it is committed, rolled back or ended. */
export interface OpenTransaction {
  query(sql: string, params: readonly unknown[]): Promise<WireRows>;
  commit(events: TransactionEvents | null): Promise<void>;
  rollback(): void;
  /** At once, whatever it is doing. */
  end(): void;
}

/** Where statements of plugins are run, as roles that may only what is granted. */
export interface PluginStatementRunner {
  query(owner: Owner, sql: string, params: readonly unknown[]): Promise<WireRows>;
  begin(owner: Owner): Promise<OpenTransaction>;
}

/** `context.db` of one isolate. */
export interface DatabaseSession {
  capabilities: DatabaseCapabilities;
  /** The plugin as it is now; throws once the isolate has ended. */
  owner: () => Installation;
  /** The isolate has ended: so do its transactions, and it can ask nothing more. */
  end(): void;
}

interface Numbered {
  transaction: OpenTransaction;
  timer: NodeJS.Timeout;
  /** Statements of one transaction run one after the other. */
  turn: Promise<unknown>;
}

/** What one isolate may ask of the database; its transactions have numbers that mean nothing to another. */
export function databaseSession(
  statements: PluginStatementRunner,
  installation: () => Installation,
  transactionLimitMs = TRANSACTION_LIMIT_MS,
): DatabaseSession {
  const open = new Map<number, Numbered>();
  const over = new Set<number>();
  let opening = 0;
  let lastNumber = 0;
  let ended = false;

  const owner = (): Installation => {
    if (ended) throw new PlatformError('PLUGIN_CRASHED', "The plugin's process has ended");
    return installation();
  };
  const take = (number: number): Numbered => {
    const found = open.get(number);
    if (!found) throw unknown(number, over.has(number), transactionLimitMs);
    open.delete(number);
    clearTimeout(found.timer);
    return found;
  };
  const inTurn = <Result>(number: number, act: (transaction: OpenTransaction) => Promise<Result>): Promise<Result> => {
    const found = open.get(number);
    if (!found) throw unknown(number, over.has(number), transactionLimitMs);
    const turn = found.turn.then(() => act(found.transaction));
    found.turn = turn.catch(() => undefined);
    return turn;
  };

  const capabilities: DatabaseCapabilities = {
    'db.query': async (sql, params, transaction) => {
      const asked = owner();
      assertDatabase(asked);
      assertStatement(sql, params);
      if (transaction === null) return wire(await statements.query(asked, sql, params));
      return wire(await inTurn(transaction, (one) => one.query(sql, params)));
    },
    'db.begin': async () => {
      const asked = owner();
      assertDatabase(asked);
      if (open.size + opening >= MOST_TRANSACTIONS) throw tooMany(asked.pluginId);
      opening += 1;
      try {
        const transaction = await statements.begin(asked);
        return numbered(transaction);
      } finally {
        opening -= 1;
      }
    },
    'db.commit': async (number, events) => {
      const asked = owner();
      const { turn, transaction } = take(number);
      try {
        // Checked before anything is committed: an event that cannot be emitted undoes what it tells of.
        const said = eventsOf(asked, events);
        await turn;
        await transaction.commit(said.length > 0 ? said : null);
        return null;
      } catch (error) {
        transaction.rollback();
        throw error;
      }
    },
    // A transaction that is over already is rolled back, or committed for good.
    'db.rollback': async (number) => {
      if (!open.has(number)) return null;
      const { turn, transaction } = take(number);
      await turn;
      transaction.rollback();
      return null;
    },
  };

  const numbered = (transaction: OpenTransaction): number => {
    if (ended) {
      transaction.end();
      throw new PlatformError('PLUGIN_CRASHED', "The plugin's process has ended");
    }
    const given = (lastNumber += 1);
    const timer = setTimeout(() => {
      take(given).transaction.end();
      over.add(given);
    }, transactionLimitMs);
    open.set(given, { transaction, timer, turn: Promise.resolve() });
    return given;
  };

  return {
    capabilities,
    owner,
    end: () => {
      ended = true;
      for (const given of [...open.keys()]) take(given).transaction.end();
    },
  };
}

function wire({ rows, rowCount }: WireRows): WireRows {
  return { rows, rowCount };
}

function eventsOf({ tenant, pluginId, granted }: Owner, events: WireEvent[]): TransactionEvents {
  if (!Array.isArray(events)) throw new PlatformError('EVENT_INVALID', 'The events of a transaction are a list');
  if (events.length > 0 && !granted.includes('events:emit')) throw permissionDenied(pluginId, 'events:emit');
  return events.map(({ event, payload }) => pluginEvent(tenant, pluginId, event, payload));
}

/** Which of the two is needed PostgreSQL decides; without either there is nothing to ask. */
function assertDatabase({ pluginId, granted }: Owner): void {
  if (!granted.includes('database:read') && !granted.includes('database:write'))
    throw permissionDenied(pluginId, 'database:read');
}

function assertStatement(sql: unknown, params: unknown): void {
  if (typeof sql !== 'string' || !Array.isArray(params)) {
    throw new PlatformError(
      'BAD_REQUEST',
      'A query is a text and a list of parameters: db.query(sql, [first, second])',
    );
  }
  if (sql.includes('\u0000')) throw new PlatformError('QUERY_FAILED', 'A statement cannot contain the character NUL');
}

function tooMany(pluginId: string): PlatformError {
  const message = `${pluginId} has ${MOST_TRANSACTIONS} transactions open; at most so many run at a time`;
  return new PlatformError('QUERY_FAILED', message, { details: { sqlState: '53300' } });
}

function unknown(number: number, late: boolean, limitMs: number): PlatformError {
  const message = late
    ? `The transaction took longer than ${limitMs / 1000} s and was rolled back`
    : `There is no transaction ${String(number)}; it is already committed or rolled back`;
  return new PlatformError(late ? 'QUERY_TIMED_OUT' : 'QUERY_FAILED', message, { details: { sqlState: '25P01' } });
}

/** The sessions of the isolates that run now, each found by what hosts it. */
export class DatabaseSessions {
  readonly #statements: PluginStatementRunner;
  readonly #sessions = new Map<object, DatabaseSession>();

  constructor(statements: PluginStatementRunner) {
    this.#statements = statements;
  }

  /** For a new isolate of the host. */
  open(host: { installation: Installation }): DatabaseSession {
    const session = databaseSession(this.#statements, () => host.installation);
    this.#sessions.set(host, session);
    return session;
  }

  /** The isolate of the host has ended. */
  end(host: object): void {
    this.#sessions.get(host)?.end();
    this.#sessions.delete(host);
  }
}
