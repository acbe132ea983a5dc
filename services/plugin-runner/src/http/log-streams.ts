import { once } from 'node:events';
import type { Response } from 'express';
import { PlatformError } from '@verifywise/contracts';
import { followLog } from '../logs/follow-log.ts';
import type { LogFilter, LogLine, LogRecords } from '../logs/log-line.ts';

/** Each asks the database twice a second. */
const MOST_STREAMS = 200;
const MOST_OF_A_TENANT = 20;
/** Proxies cut connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;
/** Whoever takes nothing for so long is gone, or connects again and goes on where it was. */
const SLOWEST_READER_MS = 30_000;
/** A token that has ended since is noticed when the reader connects again. */
const LONGEST_STREAM_MS = 15 * 60_000;
/** Milliseconds a browser waits before it connects again. */
const RECONNECT_AFTER_MS = 1_000;

export interface Followed {
  tenant: string;
  pluginId: string;
  /** The id of the last line the reader has. */
  after: string;
  filter: LogFilter;
}

/** Logs that are being watched, as server-sent events. */
export class LogStreams {
  readonly #records: Pick<LogRecords, 'following'>;
  readonly #stop = new AbortController();
  readonly #ofTenant = new Map<string, number>();
  #open = 0;

  constructor(records: Pick<LogRecords, 'following'>) {
    this.#records = records;
  }

  /** Ends every stream; those who watch connect again, to another runner. */
  close(): void {
    this.#stop.abort();
  }

  async follow(res: Response, followed: Followed): Promise<void> {
    const leave = this.#enter(followed.tenant);
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const ends = AbortSignal.any([gone.signal, this.#stop.signal, AbortSignal.timeout(LONGEST_STREAM_MS)]);
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    res.write(`retry: ${RECONNECT_AFTER_MS}\nid: ${followed.after}\n\n`);
    // Into a full pipe a heartbeat would only be one more thing that waits.
    const heartbeat = setInterval(() => {
      if (!res.writableNeedDrain) res.write(': still here\n\n');
    }, HEARTBEAT_MS);
    try {
      for await (const lines of followLog(this.#records, followed, ends)) {
        if (!res.write(lines.map(eventOf).join('')) && !(await drained(res, ends))) break;
      }
    } finally {
      clearInterval(heartbeat);
      leave();
      res.end();
    }
  }

  #enter(tenant: string): () => void {
    const mine = this.#ofTenant.get(tenant) ?? 0;
    if (this.#open >= MOST_STREAMS || mine >= MOST_OF_A_TENANT) {
      throw new PlatformError('RATE_LIMITED', 'Too many logs are being watched at once; close some and try again');
    }
    this.#open += 1;
    this.#ofTenant.set(tenant, mine + 1);
    return () => {
      this.#open -= 1;
      const left = (this.#ofTenant.get(tenant) ?? 1) - 1;
      if (left === 0) this.#ofTenant.delete(tenant);
      else this.#ofTenant.set(tenant, left);
    };
  }
}

function eventOf(line: LogLine): string {
  return `id: ${line.id}\nevent: line\ndata: ${JSON.stringify(line)}\n\n`;
}

async function drained(res: Response, ends: AbortSignal): Promise<boolean> {
  try {
    await once(res, 'drain', { signal: AbortSignal.any([ends, AbortSignal.timeout(SLOWEST_READER_MS)]) });
    return true;
  } catch {
    return false;
  }
}
