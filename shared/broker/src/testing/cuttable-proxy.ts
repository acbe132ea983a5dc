import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** AMQP frames of `connection.blocked` ("low on memory") and `connection.unblocked`, as RabbitMQ sends them. */
const CONNECTION_BLOCKED = methodFrame(Buffer.from([0, 10, 0, 60, 13, ...Buffer.from('low on memory')]));
const CONNECTION_UNBLOCKED = methodFrame(Buffer.from([0, 10, 0, 61]));

function methodFrame(payload: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt8(1, 0);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.from([0xce])]);
}

interface Pair {
  client: Socket;
  broker: Socket;
}

/** A cable between us and the broker that a test can cut, clog or leave hanging. */
export class CuttableProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  #silent = false;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    this.url = url.href;
    server.on('connection', (client) => this.#connect(client));
  }

  static async start(targetUrl: string, port = 0): Promise<CuttableProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new CuttableProxy(server, new URL(targetUrl));
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Every connection breaks at once; new ones may be made. */
  cut(): void {
    for (const { client, broker } of this.#pairs) {
      for (const socket of [client, broker]) {
        // One that is just ending refuses to be reset, and its handle would keep the process from exiting for ever.
        if (socket.writableEnded) socket.destroy();
        else socket.resetAndDestroy();
      }
    }
  }

  /** Nothing arrives any more, in either direction, and nobody is told. */
  goSilent(): void {
    this.#silent = true;
    for (const { client, broker } of this.#pairs) {
      client.pause();
      broker.pause();
    }
  }

  /** What was held back arrives. */
  speakAgain(): void {
    this.#silent = false;
    for (const { client, broker } of this.#pairs) {
      client.resume();
      broker.resume();
    }
  }

  /** The broker reads nothing more from us, and says so when `told`. Only at a quiet moment: the frame must not land inside another. */
  block({ told }: { told: boolean }): void {
    for (const { client } of this.#pairs) {
      client.pause();
      if (told) client.write(CONNECTION_BLOCKED);
    }
  }

  unblock({ told }: { told: boolean }): void {
    for (const { client } of this.#pairs) {
      client.resume();
      if (told) client.write(CONNECTION_UNBLOCKED);
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(client: Socket): void {
    const broker = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    const pair = { client, broker };
    this.#pairs.add(pair);
    client.on('data', (bytes) => broker.write(bytes));
    broker.on('data', (bytes) => client.write(bytes));
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.setNoDelay(true);
      // The end of a socket is reported by its close event.
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    if (this.#silent) {
      client.pause();
      broker.pause();
    }
  }
}
