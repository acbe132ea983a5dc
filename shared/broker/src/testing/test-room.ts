import { randomBytes, randomInt } from 'node:crypto';
import { partitionOf, queues, type ServiceName } from '@verifywise/contracts';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { Registry } from 'prom-client';
import type { Broker, Log } from '../broker.ts';
import { connectBroker, type BrokerOptions } from '../connect-broker.ts';
import { declareExchanges, declarePartition } from '../declare-topology.ts';

/** Keeps what was logged, so that a test can ask for it. */
export interface TestLog extends Log {
  lines: string[];
}

export function testLog(): TestLog {
  const lines: string[] = [];
  const keep = (...words: unknown[]): void => void lines.push(words.map((word) => text(word)).join(' '));
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

function text(word: unknown): string {
  return typeof word === 'string'
    ? word
    : JSON.stringify(word, (_key, value: unknown) => (value instanceof Error ? String(value) : value));
}

/**
 * Names of its own on a broker that others use too: a tenant, a service and a number of partitions that nobody else has,
 * so that its queues are its own. Closing it closes its brokers and removes its queues.
 */
export class TestRoom {
  readonly url: string;
  readonly tenant: string;
  readonly service: ServiceName;
  readonly partitions = randomInt(100_000, 10_000_000);
  readonly log = testLog();
  readonly #model: ChannelModel;
  /** For looking at queues from outside. */
  readonly channel: Channel;
  readonly #brokers: Broker[] = [];
  readonly #queues: string[] = [];

  private constructor(url: string, model: ChannelModel, channel: Channel) {
    const name = randomBytes(4).toString('hex');
    this.url = url;
    this.tenant = `tenant-${name}`;
    // A name like a service's, so that no real service's queues are touched.
    this.service = `test-${name}` as ServiceName;
    this.#model = model;
    this.channel = channel;
    this.#queues.push(queues.serviceCalls(this.service), queues.serviceFacts(this.service));
  }

  static async open(url: string): Promise<TestRoom> {
    const model = await connect(url, { noDelay: true });
    // The broker may be restarted under it.
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    // They are everybody's, and on a new broker nobody has declared them yet.
    await declareExchanges(model);
    return new TestRoom(url, model, channel);
  }

  get partition(): number {
    return partitionOf(this.tenant, this.partitions);
  }

  async connect(options: Partial<BrokerOptions> = {}): Promise<Broker> {
    const broker = await connectBroker({
      url: this.url,
      source: 'test',
      partitions: this.partitions,
      declare: false,
      log: this.log,
      metrics: new Registry(),
      connectDeadlineMs: 10_000,
      ...options,
    });
    this.#brokers.push(broker);
    return broker;
  }

  /** The queues of the tenant's partition, as every sender of the platform declares them. */
  async declarePartition(): Promise<void> {
    const { partition } = this;
    this.#queues.push(
      queues.partitionEvents(partition),
      queues.partitionWork(partition),
      queues.partitionCalls(partition),
    );
    await declarePartition(this.channel, partition);
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.close()));
    for (const queue of this.#queues) await this.channel.deleteQueue(queue).catch(() => undefined);
    await this.#model.close().catch(() => undefined);
  }
}
