import type { Logger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Quota } from '../intake/quota.ts';
import { GCRA_SCRIPT } from './gcra.ts';

const WINDOW_SECONDS = 60;
/** A sender's request does not wait for Redis longer than this. */
const COMMAND_DEADLINE_MS = 250;
const LONGEST_RECONNECT_PAUSE_MS = 2_000;
/** Admins choose few limits; should they not, the ones before are made again. */
const MOST_LIMITERS = 1_000;

export interface RateLimit {
  /** Counts one request of a plugin; over all gateways, or over this one alone while Redis is away. */
  count(tenant: string, pluginId: string, perMinute: number): Promise<Quota>;
  close(): void;
}

export function openRateLimit(options: { redisUrl: string; log: Logger }): RateLimit {
  const redis = new Redis(options.redisUrl, {
    commandTimeout: COMMAND_DEADLINE_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), LONGEST_RECONNECT_PAUSE_MS),
  });
  logOnce(redis, options.log);
  const limiters = new Map<number, RateLimiterRedis>();
  const limiterFor = (limit: number) => {
    const known = limiters.get(limit);
    if (known !== undefined) return known;
    if (limiters.size >= MOST_LIMITERS) limiters.clear();
    const made = limiterOf(redis, limit);
    limiters.set(limit, made);
    return made;
  };
  return {
    async count(tenant, pluginId, perMinute) {
      try {
        return quotaOf(perMinute, await limiterFor(perMinute).consume(`${tenant}/${pluginId}`), false);
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return quotaOf(perMinute, refused, true);
        throw refused;
      }
    },
    close: () => redis.disconnect(),
  };
}

function limiterOf(redis: Redis, limit: number): RateLimiterRedis {
  const window = { points: limit, duration: WINDOW_SECONDS, keyPrefix: 'webhook-gateway:requests' };
  return new RateLimiterRedis({
    ...window,
    storeClient: redis,
    customIncrTtlLuaScript: GCRA_SCRIPT,
    rejectIfRedisNotReady: true,
    // What is refused need not ask Redis again before its time.
    inMemoryBlockOnConsumed: limit + 1,
    insuranceLimiter: new RateLimiterMemory(window),
  });
}

function quotaOf(limit: number, { remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean): Quota {
  return {
    ...{ exceeded, limit, remaining: exceeded ? 0 : Math.max(remainingPoints, 0) },
    resetSeconds: Math.max(Math.ceil(msBeforeNext / 1_000), exceeded ? 1 : 0),
  };
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
