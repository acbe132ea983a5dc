import { PlatformError } from '@verifywise/contracts';
import pg from 'pg';
import type { StatementAnswer } from './bounded-statement.ts';
import { BoundedStatement } from './bounded-statement.ts';

const CONNECT_DEADLINE_MS = 5_000;
/** PostgreSQL ends a statement at its limit by itself; when it has not by then, the plugin has switched that off. */
const CANCEL_AFTER_MS = 250;
/** A statement may catch that it was cancelled and go on; then its session ends. */
const TERMINATE_AFTER_MS = 1_000;
/** A session whose runner died in a transaction holds its locks no longer than this. */
const IDLE_TRANSACTION_MS = 30_000;
/** Whoever waits for a lock longer waits for a mistake. */
const LOCK_WAIT_MS = 5_000;
/** How soon PostgreSQL notices, in the middle of a statement, that its runner is gone. */
const CLIENT_CHECK_MS = 2_000;

export interface LoginLimits {
  statementMs: number;
  rows: number;
  /** Of one answer, as it comes over the socket. */
  bytes: number;
}

/** Ends what a session does, from outside of it; never rejects. */
export interface BackendControl {
  cancel(pid: number, role: string): Promise<void>;
  terminate(pid: number, role: string): Promise<void>;
}

export interface LoginOptions {
  url: string;
  role: string;
  password: string;
  searchPath: string[];
  limits: LoginLimits;
  control: BackendControl;
}

/** One session, logged in as the role of one plugin; what it runs is bounded in time, rows and bytes. */
export class PluginLogin {
  readonly role: string;
  readonly #client: pg.Client;
  readonly #limits: LoginLimits;
  readonly #control: BackendControl;
  #running = false;
  #received = 0;
  #broken: Error | undefined;

  private constructor(client: pg.Client, { role, limits, control }: LoginOptions) {
    this.role = role;
    this.#client = client;
    this.#limits = limits;
    this.#control = control;
    client.on('error', (error) => (this.#broken ??= error));
    client.on('end', () => (this.#broken ??= new Error('The connection has ended')));
    client.connection.stream.on('data', (chunk: Buffer) => this.#receive(chunk.length));
  }

  static async open(options: LoginOptions): Promise<PluginLogin> {
    const url = new URL(options.url);
    url.username = options.role;
    url.password = options.password;
    // What a URL says pg prefers to what we say.
    for (const name of ['options', 'application_name', 'statement_timeout']) url.searchParams.delete(name);
    const settings = {
      search_path: options.searchPath.join(','),
      TimeZone: 'UTC',
      statement_timeout: options.limits.statementMs,
      lock_timeout: Math.min(LOCK_WAIT_MS, options.limits.statementMs),
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      client_connection_check_interval: CLIENT_CHECK_MS,
    };
    const client = new pg.Client({
      connectionString: url.href,
      application_name: options.role,
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      keepAlive: true,
      // Of the start of a session nothing that the role's own settings say can undo them, and DISCARD ALL comes back to them.
      options: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    });
    await client.connect();
    return new PluginLogin(client, options);
  }

  get broken(): boolean {
    return this.#broken !== undefined;
  }

  /** Idle, in a transaction, or in one that has failed; undefined when the session is no more. */
  get state(): 'idle' | 'transaction' | 'failed' | undefined {
    if (this.#broken) return undefined;
    return ({ I: 'idle', T: 'transaction', E: 'failed' } as const)[this.#client.getTransactionStatus() ?? 'I'];
  }

  /** One statement at a time. Rejects with PostgreSQL's own error, or with QUERY_TIMED_OUT or RESULT_TOO_LARGE. */
  async query(text: string, params: readonly unknown[] = []): Promise<StatementAnswer> {
    if (this.#broken) throw this.#broken;
    const { statementMs, rows } = this.#limits;
    const endTimer = this.#limitTime();
    this.#received = 0;
    this.#running = true;
    try {
      const statement = this.#client.query(new BoundedStatement(text, params, rows));
      const answer = await statement.answered;
      if (answer.cut) throw tooLarge(`${rows} rows`);
      return answer;
    } catch (error) {
      const why = this.#endedBy();
      if (why) throw why;
      if (error instanceof pg.DatabaseError && error.code === QUERY_CANCELED) throw timedOut(statementMs, error);
      throw error;
    } finally {
      this.#running = false;
      endTimer();
    }
  }

  /** Back to how a session begins, so that its next use finds nothing of this one. */
  async clean(): Promise<void> {
    if (this.state !== 'idle') await this.query('ROLLBACK');
    await this.query('DISCARD ALL');
  }

  /** Ends the session, and whatever it still does. */
  destroy(why: Error = new Error('The connection was closed')): void {
    if (this.#broken) return;
    const idle = this.state === 'idle' && !this.#running;
    this.#broken = why;
    if (idle) {
      void this.#client.end().catch(() => undefined);
      return;
    }
    void this.#control.terminate(this.#pid, this.role);
    this.#client.connection.stream.destroy();
  }

  /** Why we ended it, where that has a meaning for the plugin. */
  #endedBy(): PlatformError | undefined {
    return this.#broken instanceof PlatformError ? this.#broken : undefined;
  }

  get #pid(): number {
    return (this.#client as unknown as { processID: number }).processID;
  }

  #limitTime(): () => void {
    const { statementMs } = this.#limits;
    let timer = setTimeout(() => {
      void this.#control.cancel(this.#pid, this.role);
      timer = setTimeout(() => this.destroy(timedOut(statementMs)), TERMINATE_AFTER_MS);
    }, statementMs + CANCEL_AFTER_MS);
    return () => clearTimeout(timer);
  }

  /** Counted as it comes: one value may be larger than what this process holds. */
  #receive(bytes: number): void {
    this.#received += bytes;
    const { bytes: limit } = this.#limits;
    if (this.#running && this.#received > limit) this.destroy(tooLarge(`${Math.round(limit / 1024 / 1024)} MB`));
  }
}

const QUERY_CANCELED = '57014';

function timedOut(limitMs: number, cause?: Error): PlatformError {
  const message = `The statement did not finish within ${limitMs / 1000} s; let it do less at a time, or add an index`;
  return new PlatformError('QUERY_TIMED_OUT', message, { cause });
}

function tooLarge(limit: string): PlatformError {
  return new PlatformError('RESULT_TOO_LARGE', `The answer has more than ${limit}; ask for it in pages with LIMIT`);
}
