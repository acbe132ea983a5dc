import type { Log } from '@verifywise/broker';
import type { Redis } from 'ioredis';
import type { Listing } from '../catalogue/registry.ts';
import type { ListingCache } from '../registries/hands.ts';
import { forgetful } from './forgetful.ts';

const LIFE_SECONDS = 24 * 60 * 60;

/** Listings under their digest: what is found can never be an old one. */
export function redisListingCache(redis: Redis, log: Log): ListingCache {
  const key = (digest: string): string => `registry-cache:listing:${digest}`;
  return {
    async get(digest) {
      const text = await forgetful(redis.get(key(digest)), log);
      if (text == null) return undefined;
      try {
        return JSON.parse(text) as Listing;
      } catch (error) {
        // Half of a listing is no listing; the database has the whole.
        log.warn({ err: error, digest }, 'A listing in Redis cannot be read; going on without it');
        return undefined;
      }
    },
    async put(digest, listing) {
      await forgetful(redis.set(key(digest), JSON.stringify(listing), 'EX', LIFE_SECONDS), log);
    },
  };
}
