import { connect } from 'node:net';
import type { Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';

export interface Target {
  port: number;
  path: string;
  headers?: Record<string, string>;
}

/** One connection that asks for the same again and again, one request at a time; cheap, so that the servers get the processor. */
export class KeepAliveClient {
  readonly #target: Target;
  readonly #socket: Socket;
  #waiting: { resolve(status: number): void; reject(error: Error): void } | undefined;
  #heard = '';

  constructor(target: Target) {
    this.#target = target;
    this.#socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#hear(text));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('The server closed the connection')));
  }

  /** Resolves with the status once the whole answer is there; another target has to be on the same port. */
  ask(target = this.#target): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(requestFor(target));
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #hear(text: string): void {
    this.#heard += text;
    const headEnd = this.#heard.indexOf(END_OF_HEAD);
    if (headEnd < 0) return;
    const head = this.#heard.slice(0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const waiting = this.#waiting;
    if (length === undefined) waiting?.reject(new Error(`An answer without a length is not understood: ${head}`));
    if (this.#heard.length < headEnd + END_OF_HEAD.length + Number(length)) return;
    this.#heard = '';
    this.#waiting = undefined;
    waiting?.resolve(Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)));
  }
}

/** The same target is asked again and again, so its request is written once. */
const requests = new WeakMap<Target, string>();

function requestFor(target: Target): string {
  const known = requests.get(target);
  if (known !== undefined) return known;
  const { port, path, headers = {} } = target;
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}`);
  const request = [`GET ${path} HTTP/1.1`, ...lines].join('\r\n') + END_OF_HEAD;
  requests.set(target, request);
  return request;
}
