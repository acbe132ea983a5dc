import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { codeOf, messageOf } from '../errors/thrown.ts';
import type { Logger } from '../logs/logger.ts';

/** PostgreSQL that answers this is there and says no: waiting does not help. */
const HOPELESS = new Set(['28000', '28P01', '3D000', '42501']);

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** One attempt; a host that swallows packets would hold it for minutes. */
const ATTEMPT_MS = 5_000;

/** The database could not be reached, or refused us. */
export class DatabaseUnavailableError extends Error {}

/** One connection, tried until `deadlineMs`, because PostgreSQL may start later than we do. */
export async function connectWithin(
  options: { url: string; applicationName: string; deadlineMs: number },
  log: Pick<Logger, 'warn'>,
): Promise<pg.Client> {
  const endsAt = performance.now() + options.deadlineMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: options.applicationName,
      connectionTimeoutMillis: ATTEMPT_MS,
    });
    // A connection that breaks is noticed by the query that runs on it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      const reason = messageOf(error);
      const code = codeOf(error);
      const place = placeOf(options.url);
      if (code !== undefined && HOPELESS.has(code))
        throw new DatabaseUnavailableError(`PostgreSQL at ${place} refused the connection: ${reason}`, {
          cause: error,
        });
      if (performance.now() + pauseMs > endsAt)
        throw new DatabaseUnavailableError(
          `PostgreSQL at ${place} could not be reached within ${options.deadlineMs} ms: ${reason}`,
          { cause: error },
        );
      log.warn({ place, reason }, 'waiting for PostgreSQL');
      await pause(pauseMs);
    }
  }
}

/** Where it is, without user and password. */
function placeOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'DATABASE_URL' : `${parsed.host}${parsed.pathname}`;
}
