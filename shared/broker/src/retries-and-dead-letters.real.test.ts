import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import {
  DELIVERY_LIMIT,
  envelope,
  exchanges,
  fact,
  partitionKey,
  queues,
  work,
  type DeadKind,
  type Fact,
} from '@verifywise/contracts';
import type { ConsumeMessage } from 'amqplib';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { hearing, type Broker, type Consumer, type PartitionHandlers } from './index.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

let room: TestRoom;
let broker: Broker;

beforeEach(async () => {
  room = await TestRoom.open(backingServices().brokerUrl);
  await room.declarePartition();
  broker = await room.connect();
});
afterEach(() => room.close());

/** The dead letter with this id. Others' dead letters stay where they are. */
async function deadLetter(kind: DeadKind, id: string): Promise<ConsumeMessage> {
  const seen: ConsumeMessage[] = [];
  const { consumerTag } = await room.channel.consume(queues.dead(kind), (message) => {
    if (message?.properties.messageId === id) {
      seen.push(message);
      room.channel.ack(message);
    }
  });
  try {
    return await eventually(() => {
      const [found] = seen;
      if (found === undefined) throw new Error(`No dead letter ${id} in ${queues.dead(kind)}`);
      return found;
    });
  } finally {
    await room.channel.cancel(consumerTag);
    await room.channel.recover();
  }
}

/** Hears one fact, failing as often as `failures` says. */
async function hearingWithFailures(
  happened: Fact<{ n: number }>,
  failures: number,
): Promise<{ heard: number[]; consumer: Consumer }> {
  const heard: number[] = [];
  const consumer = await broker.subscribe(
    room.service,
    [
      hearing(happened, ({ n }) => {
        heard.push(n);
        return heard.length > failures ? Promise.resolve() : Promise.reject(new Error('the database is away'));
      }),
    ],
    { attempts: 3 },
  );
  return { heard, consumer };
}

async function messagesIn(queue: string): Promise<number> {
  return (await room.channel.checkQueue(queue)).messageCount;
}

test('a fact whose handler fails is tried again, and is done when it succeeds', async () => {
  const Happened = fact<{ n: number }>(`${room.service}.flaky`);
  const { heard, consumer } = await hearingWithFailures(Happened, 2);
  await broker.publish(Happened, { tenant: room.tenant, payload: { n: 1 } });
  await eventually(() => expect(heard).toEqual([1, 1, 1]));
  await consumer.stop();
  expect(await messagesIn(queues.serviceFacts(room.service))).toBe(0);
});

test('a fact whose handler keeps failing goes to the dead letter queue with the reason; the next one is handled', async () => {
  const Happened = fact<{ n: number }>(`${room.service}.failing`);
  const { heard, consumer } = await hearingWithFailures(Happened, 3);
  const id = randomUUID();
  await broker.publish(Happened, { tenant: room.tenant, payload: { n: 1 }, id });
  const dead = await deadLetter('facts', id);
  expect(dead.properties.headers).toMatchObject({
    'x-reason': 'the database is away',
    'x-queue': queues.serviceFacts(room.service),
  });
  expect(JSON.parse(dead.content.toString())).toMatchObject({ id, tenant: room.tenant, payload: { n: 1 } });
  await broker.publish(Happened, { tenant: room.tenant, payload: { n: 2 } });
  await eventually(() => expect(heard).toEqual([1, 1, 1, 2]));
  await consumer.stop();
});

test('a stop ends the pauses between attempts; the fact waits for the next consumer', async () => {
  const Happened = fact<{ n: number }>(`${room.service}.waiting`);
  const { heard, consumer } = await hearingWithFailures(Happened, 2);
  await broker.publish(Happened, { tenant: room.tenant, payload: { n: 1 } });
  await eventually(() => expect(heard.length).toBeGreaterThan(0));
  await consumer.stop();
  const before = heard.length;
  const next = await hearingWithFailures(Happened, 0);
  await eventually(() => expect(next.heard).toEqual([1]));
  expect(heard).toHaveLength(before);
  await next.consumer.stop();
});

test('a fact that only another version of the service hears is kept as a dead letter', async () => {
  const Newer = fact<{ n: number }>(`${room.service}.newer`);
  const newer = await hearingWithFailures(Newer, 0);
  await newer.consumer.stop();
  const older = await hearingWithFailures(fact(`${room.service}.older`), 0);
  const id = randomUUID();
  await broker.publish(Newer, { tenant: room.tenant, payload: { n: 1 }, id });
  const dead = await deadLetter('facts', id);
  expect(dead.properties.headers?.['x-reason']).toContain(Newer.name);
  await older.consumer.stop();
});

function handlers(parts: Partial<PartitionHandlers>): PartitionHandlers {
  return {
    event: (delivery) => delivery.ack(),
    work: (delivery) => delivery.ack(),
    answers: [],
    lost: () => undefined,
    ...parts,
  };
}

test('a message without an envelope goes to the dead letter queue, and what follows is handled', async () => {
  const events: string[] = [];
  const consumer = await broker.consumePartition(
    room.partition,
    handlers({
      event: (delivery) => {
        events.push(delivery.envelope.id);
        delivery.ack();
      },
    }),
  );
  const id = randomUUID();
  const key = `${partitionKey(room.partition)}.${room.tenant}.some.thing`;
  room.channel.publish(exchanges.events, key, Buffer.from('{"id":'), { messageId: id });
  const whole = envelope({ type: 'some.thing', tenant: room.tenant, payload: {}, source: 'test' });
  room.channel.publish(exchanges.events, key, Buffer.from(JSON.stringify(whole)));
  const dead = await deadLetter('events', id);
  expect(dead.properties.headers).toMatchObject({ 'x-reason': 'It has no envelope', 'x-routing-key': key });
  expect(dead.content.toString()).toBe('{"id":');
  await eventually(() => expect(events).toEqual([whole.id]));
  await consumer.handOver();
});

test('work that is rejected, or that a handler chokes on, goes to the dead letter queue with the reason', async () => {
  const Odd = work<{ choke: boolean }>('runner.odd');
  const consumer = await broker.consumePartition(
    room.partition,
    handlers({
      work: (delivery) => {
        if ((delivery.envelope.payload as { choke: boolean }).choke) throw new Error('choked');
        expect(delivery.reject('no such plugin')).toBe(true);
        expect(delivery.ack()).toBe(false);
      },
    }),
  );
  const rejected = randomUUID();
  const choked = randomUUID();
  await broker.send(Odd, { tenant: room.tenant, payload: { choke: false }, id: rejected });
  await broker.send(Odd, { tenant: room.tenant, payload: { choke: true }, id: choked });
  expect((await deadLetter('work', rejected)).properties.headers?.['x-reason']).toBe('no such plugin');
  expect((await deadLetter('work', choked)).properties.headers?.['x-reason']).toContain('It was not taken');
  await consumer.handOver();
  expect(await messagesIn(queues.partitionWork(room.partition))).toBe(0);
});

test('a message that ends every consumer it is given to is dead after the delivery limit', async () => {
  const Poison = fact<{ n: number }>(`${room.service}.poison`);
  const id = randomUUID();
  let given = 0;
  await broker.publish(Poison, { tenant: room.tenant, payload: { n: 1 }, id });
  const counts: number[] = [];
  /** A runner that takes the message and is gone before it is settled. */
  async function takeAndVanish(): Promise<void> {
    let taken = (): void => undefined;
    const takenOnce = new Promise<void>((resolve) => (taken = resolve));
    const consumer = await broker.consumePartition(
      room.partition,
      handlers({
        event: (delivery) => {
          given += 1;
          counts.push(delivery.deliveryCount);
          taken();
        },
      }),
    );
    await takenOnce;
    await consumer.handOver({ deadlineMs: 0 });
  }
  while (given <= DELIVERY_LIMIT) await takeAndVanish();
  const dead = await deadLetter('events', id);
  expect(dead.properties.headers?.['x-first-death-reason']).toBe('delivery_limit');
  expect(counts.slice(0, 3)).toEqual([0, 1, 2]);
  expect(await messagesIn(queues.partitionEvents(room.partition))).toBe(0);
});
