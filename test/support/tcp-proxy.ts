import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';

/** Open: everything passes. Cut: connections end, and new ones are refused. Black hole: connections stay, and nothing passes. */
export type ProxyMode = 'open' | 'cut' | 'black-hole';

/** A network between two processes that a test can break. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<[Socket, Socket]>();
  #mode: ProxyMode = 'open';

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** In front of whoever listens at the address. */
  static async before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The address with this proxy in the place of its target. */
  urlOf(url: string): string {
    const { port } = this.#server.address() as { port: number };
    const proxied = new URL(url);
    proxied.hostname = '127.0.0.1';
    proxied.port = String(port);
    return proxied.href;
  }

  become(mode: ProxyMode): void {
    this.#mode = mode;
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (mode === 'cut') socket.destroy();
        else if (mode === 'black-hole') socket.pause();
        else socket.resume();
      }
    }
  }

  async close(): Promise<void> {
    this.become('cut');
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    if (this.#mode === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const [from, to] of [pair, [far, near]] as const) {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (this.#mode === 'open') from.resume();
      });
      from.on('error', end);
      from.on('close', end);
      if (this.#mode === 'black-hole') from.pause();
    }
  }
}
