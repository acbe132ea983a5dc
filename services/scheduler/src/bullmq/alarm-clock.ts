import type { Logger } from '@verifywise/service-kit';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const QUEUE = 'alarms';
const PREFIX = 'scheduler';
/** Alarms this close to each other are one, because one look at the database finds everything that is due. */
const ROUNDED_TO_MS = 50;
/** An alarm that cannot be set within this is not worth waiting for: the sweeper comes around. */
const COMMAND_DEADLINE_MS = 2_000;
const CLOSE_DEADLINE_MS = 3_000;
const LONGEST_RECONNECT_PAUSE_MS = 2_000;

/** Whoever sets an alarm looks by itself this much later: by then it has rung, unless Redis is away or was flushed. */
const LOOKED_AFTER_MS = 250;
/** What is further away is set when it is near: alarms for jobs that are cancelled meanwhile would only pile up. */
const FURTHEST_MS = 60_000;

export interface AlarmClock {
  /** Rings after this time on one of the schedulers, or a little later on this one. */
  wakeIn(ms: number): void;
  close(): Promise<void>;
}

/** BullMQ as an alarm clock: what rings, and for whom, is in PostgreSQL, so nothing in Redis needs to survive. */
export function startAlarmClock(options: { redisUrl: string; log: Logger; ring: () => void }): AlarmClock {
  const { ring } = options;
  const setter = connection(options.redisUrl, { commandTimeout: COMMAND_DEADLINE_MS, enableOfflineQueue: false });
  const listener = connection(options.redisUrl, {});
  const health = watchHealth(setter, options.log);
  let parts: Parts | undefined;

  // BullMQ reconnects by itself once it has begun, but what fails while it begins stays broken: then it begins anew.
  const begin = () => {
    if (parts !== undefined) return;
    const begun = openParts(setter, listener, ring, health.failed);
    parts = begun;
    begun.ready.catch((error: unknown) => {
      health.failed(error);
      parts = undefined;
      void begun.close();
    });
  };
  const connected = () => {
    begin();
    // Alarms that could not be set meanwhile are set by looking at what comes next.
    ring();
  };
  setter.on('ready', connected);
  const look = new SoonestTimer(ring);
  let closed = false;

  return {
    wakeIn(ms) {
      if (closed || ms > FURTHEST_MS) return;
      look.in(ms + LOOKED_AFTER_MS);
      if (setter.status !== 'ready') return;
      begin();
      const at = Math.ceil((Date.now() + ms) / ROUNDED_TO_MS) * ROUNDED_TO_MS;
      // An alarm of the same id is the same alarm, whoever set it.
      const job = { delay: at - Date.now(), jobId: `at-${at}`, removeOnComplete: true, removeOnFail: true };
      parts?.queue.add('wake', null, job).catch(health.failed);
    },
    async close() {
      closed = true;
      look.stop();
      setter.off('ready', connected);
      await parts?.close();
      listener.disconnect();
      setter.disconnect();
    },
  };
}

/** One timer, for the soonest of the times it was asked for. */
class SoonestTimer {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  in(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.stop();
      this.#ring();
    }, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}

interface Parts {
  queue: Queue;
  /** Rejects when BullMQ could not begin. */
  ready: Promise<unknown>;
  close(): Promise<void>;
}

function openParts(setter: Redis, listener: Redis, ring: () => void, failed: (error: unknown) => void): Parts {
  const queue = new Queue(QUEUE, { connection: setter, prefix: PREFIX });
  const rung = () => {
    ring();
    return Promise.resolve();
  };
  const worker = new Worker(QUEUE, rung, {
    ...{ connection: listener, prefix: PREFIX },
    ...{ removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
  });
  queue.on('error', failed);
  worker.on('error', failed);
  return {
    queue,
    ready: Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]),
    async close() {
      await Promise.race([Promise.allSettled([worker.close(true), queue.close()]), after(CLOSE_DEADLINE_MS)]);
    },
  };
}

function connection(url: string, options: { commandTimeout?: number; enableOfflineQueue?: boolean }): Redis {
  const redis = new Redis(url, {
    ...options,
    // BullMQ's own blocking commands wait as long as it takes.
    maxRetriesPerRequest: null,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), LONGEST_RECONNECT_PAUSE_MS),
  });
  redis.on('error', () => undefined);
  return redis;
}

/** One line when Redis goes and one when it is back, not one for each try. */
function watchHealth(redis: Redis, log: Logger): { failed: (error: unknown) => void } {
  let away = false;
  redis.on('ready', () => {
    if (away) log.info('Redis is back: the alarm clock rings again');
    away = false;
  });
  const failed = (error: unknown) => {
    if (!away) log.warn({ err: error }, 'the alarm clock has no Redis: jobs fire a little late until it is back');
    away = true;
  };
  redis.on('error', failed);
  return { failed };
}

async function after(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(() => resolve(undefined), ms).unref();
  await promise;
}
