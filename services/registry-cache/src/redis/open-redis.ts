import type { Log } from '@verifywise/broker';
import { Redis } from 'ioredis';

/** A cache that is slower than the database is no cache. */
const COMMAND_DEADLINE_MS = 500;
const CONNECT_DEADLINE_MS = 2_000;
const LONGEST_PAUSE_MS = 2_000;

/** A Redis that may be away: commands fail at once instead of waiting for it, and it comes back by itself. */
export function openRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_DEADLINE_MS,
    commandTimeout: COMMAND_DEADLINE_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, LONGEST_PAUSE_MS),
  });
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ err: error }, 'Redis cannot be reached; working without it');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({}, 'Redis is back');
    away = false;
  });
  return redis;
}
