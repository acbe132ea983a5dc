import type { ErrorAnswer } from '@verifywise/contracts';
import type { DataSource } from 'typeorm';

/** Somebody who fetches a package, or has tried to. */
export interface Downloader {
  token: string;
  underWay: boolean;
  /** Why it came to nothing. */
  error: ErrorAnswer | null;
}

/** Long after the last who waited for it has heard of it. */
const ERRORS_KEPT = `interval '1 hour'`;

/**
 * Which of all installers fetches a package, so that the others wait for it. A lease takes no connection, and ends by itself when its
 * holder is killed; by the clock of the database, the only one that all of them share.
 */
export class DownloadLeases {
  readonly #source: DataSource;
  readonly leaseMs: number;

  constructor(source: DataSource, leaseMs: number) {
    this.#source = source;
    this.leaseMs = leaseMs;
  }

  /** The token to name from now on; null while somebody else fetches it. */
  async take(key: string): Promise<string | null> {
    const [taken] = await this.#source.query<{ token: string }[]>(
      `INSERT INTO downloads (key, token, leased_until) VALUES ($1, gen_random_uuid(), now() + $2 * interval '1 ms')
       ON CONFLICT (key) DO UPDATE SET token = excluded.token, leased_until = excluded.leased_until, error = NULL
       WHERE downloads.leased_until <= now() RETURNING token`,
      [key, this.leaseMs],
    );
    return taken?.token ?? null;
  }

  async renew(key: string, token: string): Promise<void> {
    await this.#source.query(
      `UPDATE downloads SET leased_until = now() + $3 * interval '1 ms' WHERE key = $1 AND token = $2`,
      [key, token, this.leaseMs],
    );
  }

  /** It is there, or others are to try it. */
  async end(key: string, token: string): Promise<void> {
    await this.#source.query('DELETE FROM downloads WHERE key = $1 AND token = $2', [key, token]);
  }

  /** Whoever has waited need not try it as well. */
  async fail(key: string, token: string, error: ErrorAnswer): Promise<void> {
    await this.#source.query('UPDATE downloads SET leased_until = now(), error = $3 WHERE key = $1 AND token = $2', [
      key,
      token,
      JSON.stringify(error),
    ]);
    await this.#source.query(`DELETE FROM downloads WHERE leased_until < now() - ${ERRORS_KEPT}`);
  }

  async look(key: string): Promise<Downloader | null> {
    const [found] = await this.#source.query<Downloader[]>(
      'SELECT token, leased_until > now() AS "underWay", error FROM downloads WHERE key = $1',
      [key],
    );
    return found ?? null;
  }
}
