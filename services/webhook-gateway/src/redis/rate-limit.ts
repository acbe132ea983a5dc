import type { Logger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Quota } from '../intake/accept-webhook.ts';

const WINDOW_SECONDS = 60;
/** A sender's request does not wait for Redis longer than this. */
const COMMAND_DEADLINE_MS = 250;
const LONGEST_RECONNECT_PAUSE_MS = 2_000;

export interface RateLimit {
  /** Counts one request of a plugin; over all gateways, or over this one alone while Redis is away. */
  count(tenant: string, pluginId: string): Promise<Quota>;
  close(): void;
}

export function openRateLimit(options: { redisUrl: string; perMinute: number; log: Logger }): RateLimit {
  const { log, perMinute: limit } = options;
  const redis = new Redis(options.redisUrl, {
    commandTimeout: COMMAND_DEADLINE_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), LONGEST_RECONNECT_PAUSE_MS),
  });
  logOnce(redis, log);
  const window = { points: limit, duration: WINDOW_SECONDS, keyPrefix: 'webhook-gateway:requests' };
  const limiter = new RateLimiterRedis({
    ...window,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    // A flood that is over its limit anyway need not reach Redis.
    inMemoryBlockOnConsumed: limit,
    insuranceLimiter: new RateLimiterMemory(window),
  });
  return {
    async count(tenant, pluginId) {
      try {
        return quotaOf(limit, await limiter.consume(`${tenant}/${pluginId}`), false);
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return quotaOf(limit, refused, true);
        throw refused;
      }
    },
    close: () => redis.disconnect(),
  };
}

function quotaOf(limit: number, { remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean): Quota {
  return { exceeded, limit, remaining: Math.max(remainingPoints, 0), resetSeconds: Math.ceil(msBeforeNext / 1_000) };
}

/** One line when Redis goes and one when it is back, not one for each try. */
function logOnce(redis: Redis, log: Logger): void {
  let away = false;
  redis.on('error', (error) => {
    if (!away) log.warn({ err: error }, 'Redis is away: each gateway limits requests on its own');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('Redis is back: requests are limited over all gateways again');
    away = false;
  });
}
