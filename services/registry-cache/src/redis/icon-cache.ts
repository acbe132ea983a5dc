import { createHash } from 'node:crypto';
import type { Log } from '@verifywise/broker';
import type { Redis } from 'ioredis';
import type { IconCache } from '../fetching/plugin-icons.ts';
import { forgetful } from './forgetful.ts';

/** A new icon at an old address is seen after this. */
const LIFE_SECONDS = 6 * 60 * 60;

export function redisIconCache(redis: Redis, log: Log): IconCache {
  const key = (address: string): string => `registry-cache:icon:${createHash('sha256').update(address).digest('hex')}`;
  return {
    async get(address) {
      return (await forgetful(redis.getBuffer(key(address)), log)) ?? undefined;
    },
    async put(address, png) {
      await forgetful(redis.set(key(address), png, 'EX', LIFE_SECONDS), log);
    },
  };
}
