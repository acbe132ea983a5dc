/** A row as PostgreSQL answered it, by column name. */
export type Row = Record<string, unknown>;

/** What one statement answered. */
export interface QueryResult<R extends Row = Row> {
  rows: R[];
  /** Rows answered, or touched by INSERT, UPDATE and DELETE. */
  rowCount: number;
}

/**
 * The plugin's own tables in PostgreSQL, one schema per tenant (contract §1, S:15). Reading needs `database:read`, changing needs
 * `database:write`. The platform's own data is there to be read, this tenant's rows only, as views named like its tables:
 * `users`, `projects`, `risks`, …; they need `database:read`.
 *
 * - One statement a call; values belong into `params` (`$1`, `$2`, …), never into the text.
 * - Tables are named `plugin_<plugin id with _>_<name>` (S:15.2); another name rejects with code `TABLE_NAME_INVALID`.
 * - A statement that takes too long rejects with code `QUERY_TIMED_OUT`, an answer of too many rows with `RESULT_TOO_LARGE`.
 * - What PostgreSQL itself refuses rejects with code `QUERY_FAILED`; `details.sqlState` is its five-letter code.
 */
export interface PluginDatabase {
  /** One statement, committed when it is answered. */
  query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<QueryResult<R>>;
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws, and then rejects with what it threw.
   * Events emitted through it are published if, and only if, it is committed.
   */
  transaction<T>(work: (transaction: PluginTransaction) => Promise<T>): Promise<T>;
}

/** What `work` does its work with; after `work` has settled it rejects. */
export interface PluginTransaction {
  query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<QueryResult<R>>;
  /** Like `context.emit`, once the transaction is committed. Needs `events:emit`. */
  emit(event: string, payload: Record<string, unknown>): Promise<void>;
}
