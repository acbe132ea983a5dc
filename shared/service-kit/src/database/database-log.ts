import type { Logger as TypeormLogger } from 'typeorm';
import type { Logger } from '../logs/logger.ts';

/** Statements slower than this are worth a look. */
export const SLOW_STATEMENT_MS = 1_000;

/** What TypeORM has to say, as lines of the service's log. Parameters are never said: secrets are stored through them. */
export function databaseLog(log: Logger): TypeormLogger {
  return {
    logQuery: () => undefined,
    // Whoever made the query gets the error, and knows what it means.
    logQueryError: () => undefined,
    logQuerySlow: (tookMs, query) => log.warn({ tookMs, query }, 'a slow statement'),
    logSchemaBuild: () => undefined,
    logMigration: (message) => log.debug({ message }, 'migration'),
    log(level, message: unknown) {
      if (level === 'warn') log.warn({ message }, 'database');
      else log.debug({ message }, 'database');
    },
  };
}
