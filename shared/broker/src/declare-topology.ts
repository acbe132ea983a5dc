import {
  DELIVERY_LIMIT,
  deadKinds,
  exchanges,
  partitionKey,
  queues,
  type DeadKind,
  type ServiceName,
} from '@verifywise/contracts';
import type { Channel, ChannelModel, Options } from 'amqplib';
import { TopologyMismatchError } from './errors.ts';

/** Looking at a dead letter and putting it back counts as a delivery; RabbitMQ 4 would drop it after 20 of them. */
const DEAD_LETTER_DELIVERY_LIMIT = 1_000_000;
const PRECONDITION_FAILED = 406;

const classic: Options.AssertQueue = { durable: true, arguments: { 'x-queue-type': 'classic' } };
const classicWithOneActive: Options.AssertQueue = {
  durable: true,
  arguments: { 'x-queue-type': 'classic', 'x-single-active-consumer': true },
};
const deadLetters: Options.AssertQueue = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': DEAD_LETTER_DELIVERY_LIMIT },
};

/** Nothing is lost on the way to the dead letter queue: the strategy waits for its confirm, and needs reject-publish. */
function quorum(kind: DeadKind): Record<string, unknown> {
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': exchanges.dead,
    'x-dead-letter-routing-key': kind,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

function quorumWithOneActive(kind: DeadKind): Options.AssertQueue {
  return { durable: true, arguments: { ...quorum(kind), 'x-single-active-consumer': true } };
}

/** The exchanges and the dead letter queues, which everything else refers to. */
export async function declareExchanges(model: ChannelModel): Promise<void> {
  await onOwnChannel(model, async (channel) => {
    await declared(
      'The exchange',
      exchanges.events,
      channel.assertExchange(exchanges.events, 'topic', { durable: true }),
    );
    await declared('The exchange', exchanges.work, channel.assertExchange(exchanges.work, 'direct', { durable: true }));
    await declared('The exchange', exchanges.dead, channel.assertExchange(exchanges.dead, 'direct', { durable: true }));
    for (const kind of deadKinds) {
      await declareQueue(channel, queues.dead(kind), deadLetters);
      await channel.bindQueue(queues.dead(kind), exchanges.dead, kind);
    }
  });
}

/** The queues of every partition, so that what is sent waits there when no runner lives. */
export async function declarePartitions(model: ChannelModel, partitions: number): Promise<void> {
  await onOwnChannel(model, async (channel) => {
    for (let partition = 0; partition < partitions; partition += 1) await declarePartition(channel, partition);
  });
}

/** The three queues of one partition. */
export async function declarePartition(channel: Channel, partition: number): Promise<void> {
  const key = partitionKey(partition);
  await declareQueue(channel, queues.partitionEvents(partition), quorumWithOneActive('events'));
  await channel.bindQueue(queues.partitionEvents(partition), exchanges.events, `${key}.#`);
  await declareQueue(channel, queues.partitionWork(partition), quorumWithOneActive('work'));
  await channel.bindQueue(queues.partitionWork(partition), exchanges.work, key);
  await declareQueue(channel, queues.partitionCalls(partition), classicWithOneActive);
}

/** The queue of facts a service hears, bound to these keys; a binding of an earlier version stays. */
export async function declareServiceFacts(channel: Channel, service: ServiceName, bindings: string[]): Promise<string> {
  const queue = queues.serviceFacts(service);
  await declareQueue(channel, queue, { durable: true, arguments: quorum('facts') });
  for (const binding of bindings) await channel.bindQueue(queue, exchanges.events, binding);
  return queue;
}

/** A queue of this channel's own for facts that only matter while it listens; the broker names it and removes it. */
export async function declareOverheard(channel: Channel, bindings: string[]): Promise<string> {
  const { queue } = await channel.assertQueue('', {
    durable: false,
    exclusive: true,
    autoDelete: true,
    arguments: { 'x-queue-type': 'classic' },
  });
  for (const binding of bindings) await channel.bindQueue(queue, exchanges.events, binding);
  return queue;
}

export async function declareServiceCalls(channel: Channel, service: ServiceName): Promise<string> {
  const queue = queues.serviceCalls(service);
  await declareQueue(channel, queue, classic);
  return queue;
}

/** A queue for outcomes that outlives a lost connection, but not for long a process that never comes back. */
export async function declareReplies(channel: Channel, queue: string, expiresMs: number): Promise<void> {
  await declareQueue(channel, queue, {
    durable: true,
    arguments: { 'x-queue-type': 'classic', 'x-expires': expiresMs },
  });
}

async function declareQueue(channel: Channel, queue: string, options: Options.AssertQueue): Promise<void> {
  await declared('The queue', queue, channel.assertQueue(queue, options));
}

async function declared(kind: string, name: string, declaration: Promise<unknown>): Promise<void> {
  try {
    await declaration;
  } catch (error) {
    const mismatch = error instanceof Error && (error as { code?: unknown }).code === PRECONDITION_FAILED;
    throw mismatch ? new TopologyMismatchError(`${kind} ${name}`, { cause: error }) : error;
  }
}

/** A refused declaration closes its channel, so it gets one of its own. */
async function onOwnChannel(model: ChannelModel, declare: (channel: Channel) => Promise<void>): Promise<void> {
  const channel = await model.createChannel();
  // The refusal is reported by the promise of the declaration.
  channel.on('error', () => undefined);
  await declare(channel);
  await channel.close();
}
