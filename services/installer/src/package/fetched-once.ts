import { setTimeout as pause } from 'node:timers/promises';
import { errorAnswer, errorFromAnswer, PlatformError } from '@verifywise/contracts';
import type { DownloadLeases } from '../store/download-leases.ts';
import type { Turns } from './turns.ts';

/** Downloads take a second and more. */
const LOOK_AGAIN_MS = 250;

interface Needs {
  leases: DownloadLeases;
  turns: Turns;
}

interface Wanted<Result> {
  /** The same for whoever wants the same. */
  key: string;
  /** What is wanted, when anybody has brought it here. */
  find: () => Promise<Result | null>;
  fetch: () => Promise<Result>;
}

/**
 * Has one of all installers fetch what several of them want; the others wait until it is there, and hear of it when it cannot be had. When
 * the one goes away, another one fetches it. Should two fetch at once all the same, they do nothing worse than that.
 */
export async function fetchedOnce<Result>(needs: Needs, wanted: Wanted<Result>, signal: AbortSignal): Promise<Result> {
  let awaited: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const found = await wanted.find();
    if (found !== null) return found;
    const other = await needs.leases.look(wanted.key);
    if (other?.underWay === true) {
      awaited = other.token;
      await pause(LOOK_AGAIN_MS, undefined, { signal });
      continue;
    }
    // Another one's error is ours only if we have waited for it.
    if (other !== null && other.error !== null && other.token === awaited) throw errorFromAnswer(other.error);
    const fetched = await needs.turns.take(() => fetchLeased(needs.leases, wanted, signal));
    if (fetched !== null) return fetched;
  }
}

/** Null when another one was faster. */
async function fetchLeased<Result>(
  leases: DownloadLeases,
  { key, find, fetch }: Wanted<Result>,
  signal: AbortSignal,
): Promise<Result | null> {
  signal.throwIfAborted();
  const token = await leases.take(key);
  if (token === null) return null;
  // A lease that cannot be renewed or given back ends by itself.
  const renewal = setInterval(() => void leases.renew(key, token).catch(() => undefined), leases.leaseMs / 3);
  try {
    const result = (await find()) ?? (await fetch());
    await leases.end(key, token).catch(() => undefined);
    return result;
  } catch (error) {
    const isOurs = signal.aborted || !(error instanceof PlatformError);
    await (isOurs ? leases.end(key, token) : leases.fail(key, token, errorAnswer(error))).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(renewal);
  }
}
