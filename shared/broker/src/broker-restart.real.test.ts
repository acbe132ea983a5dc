import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { fact, partitionOf, question, queues } from '@verifywise/contracts';
import { connect } from 'amqplib';
import { eventually } from '../../../test/support/eventually.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { answering, connectBroker, hearing, type Broker } from './index.ts';
import { testLog } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(180_000);

const PARTITIONS = 4;
const TENANT = 'acme';
const Counted = fact<{ n: number }>('test.counted');
const Ping = question<null, string>('installer', 'ping');

let rabbit: PrivateBroker;
let sender: Broker;
let receiver: Broker;
const log = testLog();
const partition = partitionOf(TENANT, PARTITIONS);
const events: number[] = [];
const facts: number[] = [];

beforeAll(async () => {
  rabbit = await startPrivateBroker();
  const options = { url: rabbit.url, partitions: PARTITIONS, log };
  sender = await connectBroker({ ...options, source: 'sender' });
  receiver = await connectBroker({ ...options, source: 'receiver' });
  await receiver.consumePartition(partition, {
    event: (delivery) => {
      events.push((delivery.envelope.payload as { n: number }).n);
      setImmediate(() => delivery.ack());
    },
    work: (delivery) => delivery.ack(),
    answers: [],
    lost: () => undefined,
  });
  await receiver.subscribe('installer', [
    hearing(Counted, ({ n }) => {
      facts.push(n);
      return Promise.resolve();
    }),
  ]);
  await receiver.answerQuestions('installer', [answering(Ping, () => 'pong')]);
});
afterAll(async () => {
  await Promise.all([sender.close(), receiver.close()]);
  await rabbit.stop();
});

/** Publishes on and on while `during` runs; says which were confirmed. A refused one is repeated with the same id, as senders do. */
async function publishingDuring(from: number, during: () => Promise<void>): Promise<number[]> {
  const confirmed: number[] = [];
  const startedAt = performance.now();
  let enough = false;
  let next = from;
  async function publishOnAndOn(): Promise<void> {
    while (!enough) {
      const n = next;
      next += 1;
      for (;;) {
        try {
          await sender.publish(Counted, { tenant: TENANT, payload: { n }, id: `fact-${n}` }, { deadlineMs: 5_000 });
          confirmed.push(n);
          break;
        } catch (error) {
          expect(['PUBLISH_TIMED_OUT', 'BROKER_UNAVAILABLE']).toContain((error as { code: string }).code);
        }
      }
    }
  }
  const publishing = Promise.all(Array.from({ length: 20 }, () => publishOnAndOn()));
  // RabbitMQ 3.10 forgets a quorum queue, messages and all, when it is killed within a second or two of declaring it.
  await eventually(() => expect(performance.now() - startedAt).toBeGreaterThan(4_000));
  expect(confirmed.length).toBeGreaterThan(200);
  await during();
  const after = confirmed.length;
  await eventually(() => expect(confirmed.length).toBeGreaterThan(after + 200), { within: 60_000 });
  enough = true;
  await publishing;
  return confirmed;
}

async function expectAllHeard(confirmed: number[]): Promise<void> {
  await eventually(
    () => {
      const missing = confirmed.filter((n) => !events.includes(n) || !facts.includes(n));
      expect(missing).toEqual([]);
    },
    { within: 60_000 },
  );
  await eventually(() => expect([sender.healthy, receiver.healthy]).toEqual([true, true]), { within: 60_000 });
  expect(await sender.ask(Ping, { tenant: null, payload: null })).toBe('pong');
}

test('a broker restarted in the middle: every confirmed fact is heard, and consumers go on by themselves', async () => {
  await expectAllHeard(await publishingDuring(0, () => rabbit.restart()));
});

test('a broker killed in the middle loses nothing it has confirmed', async () => {
  const kill = async (): Promise<void> => {
    await rabbit.kill();
    await rabbit.restart();
  };
  await expectAllHeard(await publishingDuring(1_000_000, kill));
});

test('a queue that was deleted while nobody looked is declared again on the next connect', async () => {
  const model = await connect(rabbit.url);
  const channel = await model.createChannel();
  const other = (partition + 1) % PARTITIONS;
  await channel.deleteQueue(queues.partitionWork(other));
  await model.close();
  await rabbit.restart();
  const again = await connectBroker({ url: rabbit.url, partitions: PARTITIONS, log, source: 'again' });
  const look = await connect(rabbit.url);
  const lookChannel = await look.createChannel();
  expect(await lookChannel.checkQueue(queues.partitionWork(other))).toMatchObject({ messageCount: 0 });
  await look.close();
  await again.close();
});
