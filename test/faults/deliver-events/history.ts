import { createServer } from 'node:http';
import type { Server } from 'node:http';

/** One call of a plugin's handler, as it was told here. */
export interface Handled {
  tenant: string;
  sequence: number;
  eventId: string;
  /** The plugin's process. */
  pid: number;
  /** Places in the order of everything that was told; none for a handler that never came to its end. */
  begunAt: number;
  endedAt: number | undefined;
}

interface Told {
  what: 'begun' | 'ended';
  call: string;
  tenant: string;
  sequence: number;
  eventId: string;
  pid: number;
}

/** What the handlers of all plugins did, in one order: they tell it over HTTP before they begin and when they are done. */
export class History {
  readonly #server: Server;
  readonly #calls = new Map<string, Handled>();
  #place = 0;

  private constructor() {
    this.#server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        this.#note(JSON.parse(Buffer.concat(chunks).toString()) as Told);
        res.end();
      });
    });
  }

  static async open(): Promise<History> {
    const history = new History();
    await new Promise<void>((resolve) => history.#server.listen(0, '127.0.0.1', resolve));
    return history;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Every call so far, in the order in which they began. */
  get calls(): Handled[] {
    return [...this.#calls.values()];
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #note({ what, call, ...about }: Told): void {
    this.#place += 1;
    if (what === 'begun') this.#calls.set(call, { ...about, begunAt: this.#place, endedAt: undefined });
    else {
      const begun = this.#calls.get(call);
      if (begun) begun.endedAt = this.#place;
    }
  }
}

/** A plugin that tells its history of every risk, and ends its process at one with `poison`. */
export function historyPlugin(address: string, version: string): string {
  return `
const { randomUUID } = require('node:crypto');
module.exports = {
  onEnable(ctx) {
    const tell = (what, call, about) => ctx.http.fetch('http://${address}/', {
      method: 'POST',
      body: JSON.stringify({ what, call, ...about, pid: process.pid, version: '${version}' }),
    }).then((answer) => answer.text());
    ctx.on('risk:created', async ({ tenant, riskId, eventId, poison }) => {
      const call = randomUUID();
      const about = { tenant, sequence: riskId, eventId };
      await tell('begun', call, about);
      if (poison) { setImmediate(() => { throw new Error('poison'); }); await new Promise(() => undefined); }
      await tell('ended', call, about);
    });
  },
};`;
}
