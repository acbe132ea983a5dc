import { PlatformError } from '@verifywise/contracts';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, type LocalJWKSet } from 'jose';
import { fetchWithin } from '../outgoing/fetch-within.ts';

/** Younger keys are used without asking; a key that was taken back is believed this long. */
const FRESH_MS = 10 * 60_000;
/** When the platform cannot be reached, keys we have seen are believed this long. */
const STALE_MS = 60 * 60_000;
/** A token with an unknown key makes us ask again, but not more often than this: anybody can send such a token. */
const COOLDOWN_MS = 10_000;
/** After a failure we ask again this late, so that a platform that is down does not slow every request. */
const RETRY_MS = 1_000;
const FETCH_DEADLINE_MS = 3_000;
/** Far more than any key set has. */
const MAX_BYTES = 256 * 1024;

/** The platform's public keys from its JWKS URL: kept, renewed, asked for again when a key is unknown. UNAVAILABLE when they cannot be had. */
export function remoteKeys(url: string): JWTVerifyGetKey {
  let keys: LocalJWKSet | undefined;
  let fetchedAt = -Infinity;
  let askedAt = -Infinity;
  let failure: PlatformError | undefined;
  let pending: Promise<void> | undefined;

  const renew = (): Promise<void> => {
    pending ??= (async () => {
      askedAt = performance.now();
      try {
        keys = createLocalJWKSet(await fetchKeys(url));
        fetchedAt = performance.now();
        failure = undefined;
      } catch (error) {
        failure = new PlatformError(
          'UNAVAILABLE',
          'Tokens cannot be checked now: the keys of the platform cannot be fetched',
          {
            cause: error,
          },
        );
      } finally {
        pending = undefined;
      }
    })();
    return pending;
  };

  const since = (time: number) => performance.now() - time;

  return async (header, token) => {
    const age = since(fetchedAt);
    if (keys === undefined || age > STALE_MS) {
      if (failure === undefined || since(askedAt) > RETRY_MS) await renew();
    } else if (age > FRESH_MS && since(askedAt) > RETRY_MS) {
      // Keys that are merely old are good enough for this request; the next one has new ones.
      void renew();
    }
    if (keys === undefined || since(fetchedAt) > STALE_MS) throw failure ?? new Error('no keys and no reason why');
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || since(askedAt) < COOLDOWN_MS) throw error;
      await renew();
      return keys(header, token);
    }
  };
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetchWithin(url, { deadlineMs: FETCH_DEADLINE_MS, maxBytes: MAX_BYTES });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null || !('keys' in body) || !Array.isArray(body.keys))
    throw new Error(`${url} did not answer with a key set`);
  return body as JSONWebKeySet;
}
