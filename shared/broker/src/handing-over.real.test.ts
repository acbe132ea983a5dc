import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { fact, partitionQuestion, queues } from '@verifywise/contracts';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { answering, type Broker, type Delivery, type PartitionHandlers } from './index.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

const Counted = fact<{ n: number }>('test.counted');
const WhoAreYou = partitionQuestion<null, string>('who-are-you');

let room: TestRoom;

beforeEach(async () => {
  room = await TestRoom.open(backingServices().brokerUrl);
  await room.declarePartition();
});
afterEach(() => room.close());

interface Diary {
  taken: { who: string; n: number }[];
  settled: { who: string; n: number }[];
  /** In the order things happened, over both runners. */
  steps: { who: string; what: 'taken' | 'settled' }[];
  open: Delivery[];
}

const emptyDiary = (): Diary => ({ taken: [], settled: [], steps: [], open: [] });

/** A runner that works on several events side by side and writes down what it does. */
function runner(who: string, diary: Diary, workMs: () => number): PartitionHandlers {
  return {
    event: (delivery) => {
      const { n } = delivery.envelope.payload as { n: number };
      diary.taken.push({ who, n });
      diary.steps.push({ who, what: 'taken' });
      void pause(workMs()).then(() => {
        if (!delivery.ack()) return;
        diary.settled.push({ who, n });
        diary.steps.push({ who, what: 'settled' });
      });
    },
    work: (delivery) => delivery.ack(),
    answers: [answering(WhoAreYou, () => who)],
    lost: () => undefined,
  };
}

async function publishCounted(broker: Broker, count: number): Promise<void> {
  const publish = (n: number): Promise<void> => broker.publish(Counted, { tenant: room.tenant, payload: { n } });
  await Promise.all(Array.from({ length: count }, (_, n) => publish(n)));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const sorted = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b);

test('a partition handed over in the middle of 1000 events: none lost, none twice, in order, never two at it', async () => {
  const diary = emptyDiary();
  const [first, second] = await Promise.all([room.connect(), room.connect()]);
  const consumer = await first.consumePartition(
    room.partition,
    runner('first', diary, () => Math.random() * 5),
  );
  await second.consumePartition(
    room.partition,
    runner('second', diary, () => Math.random() * 5),
  );
  const published = publishCounted(first, 1000);
  await eventually(() => expect(diary.settled.length).toBeGreaterThan(400));
  await consumer.handOver();
  await published;
  await eventually(() => expect(diary.settled).toHaveLength(1000));

  // Every event was taken once, and in the order of publishing.
  expect(diary.taken.map(({ n }) => n)).toEqual(upTo(1000));
  expect(sorted(diary.settled.map(({ n }) => n))).toEqual(upTo(1000));
  // The second began only when the first had settled everything.
  const secondBegan = diary.steps.findIndex(({ who }) => who === 'second');
  expect(secondBegan).toBeGreaterThan(800);
  expect(diary.steps.slice(secondBegan).every(({ who }) => who === 'second')).toBe(true);
});

test('what is not settled by the deadline goes to the next consumer, and settling it late says so', async () => {
  const [first, second] = await Promise.all([room.connect(), room.connect()]);
  const open: Delivery[] = [];
  const consumer = await first.consumePartition(room.partition, {
    ...runner('first', emptyDiary(), () => 0),
    event: (delivery) => void open.push(delivery),
  });
  await publishCounted(first, 3);
  await eventually(() => expect(open).toHaveLength(3));
  expect(open[0]?.ack()).toBe(true);
  await consumer.handOver({ deadlineMs: 100 });
  expect(open.map((delivery) => delivery.ack())).toEqual([false, false, false]);

  const diary = emptyDiary();
  const redelivered: boolean[] = [];
  await second.consumePartition(room.partition, {
    ...runner('second', diary, () => 0),
    event: (delivery) => {
      redelivered.push(delivery.redelivered);
      diary.taken.push({ who: 'second', n: (delivery.envelope.payload as { n: number }).n });
      delivery.ack();
    },
  });
  await eventually(() => expect(diary.taken.map(({ n }) => n)).toEqual([1, 2]));
  expect(redelivered).toEqual([true, true]);
});

test('no question is lost while a partition changes hands', async () => {
  const [first, second, asker] = await Promise.all([room.connect(), room.connect(), room.connect()]);
  const diary = emptyDiary();
  const consumer = await first.consumePartition(
    room.partition,
    runner('first', diary, () => 0),
  );
  await second.consumePartition(
    room.partition,
    runner('second', diary, () => 0),
  );
  const answers: string[] = [];
  let enough = false;
  async function askOnAndOn(): Promise<void> {
    while (!enough) answers.push(await asker.ask(WhoAreYou, { tenant: room.tenant, payload: null }));
  }
  const asking = Promise.all([askOnAndOn(), askOnAndOn(), askOnAndOn(), askOnAndOn()]);
  await eventually(() => expect(answers.length).toBeGreaterThan(50));
  await consumer.handOver();
  await eventually(() => expect(answers.filter((who) => who === 'second').length).toBeGreaterThan(50));
  enough = true;
  await asking;
  expect(answers).toContain('first');
});

test('closing a broker hands its partitions over', async () => {
  const [first, second] = await Promise.all([room.connect(), room.connect()]);
  const diary = emptyDiary();
  await first.consumePartition(
    room.partition,
    runner('first', diary, () => 20),
  );
  await second.consumePartition(
    room.partition,
    runner('second', diary, () => 0),
  );
  await publishCounted(second, 300);
  await eventually(() => expect(diary.settled.length).toBeGreaterThan(50));
  await first.close();
  await eventually(() => expect(diary.settled).toHaveLength(300));
  expect(diary.taken.map(({ n }) => n)).toEqual(upTo(300));
  expect(diary.taken.at(-1)?.who).toBe('second');
});

test('a consumer whose queue is deleted under it declares it again and goes on', async () => {
  const broker = await room.connect();
  const lost: string[] = [];
  const diary = emptyDiary();
  await broker.consumePartition(room.partition, {
    ...runner('only', diary, () => 0),
    lost: (reason) => void lost.push(reason),
  });
  expect(broker.healthy).toBe(true);
  await room.channel.deleteQueue(queues.partitionEvents(room.partition));
  await eventually(() => expect(lost).toHaveLength(1));
  await eventually(() => expect(broker.healthy).toBe(true));
  await publishCounted(broker, 1);
  await eventually(() => expect(diary.settled).toEqual([{ who: 'only', n: 0 }]));
  expect(room.log.lines.join('\n')).toContain('A channel ended; opening it again');
});

test('a queue that exists with other arguments is reported in words', async () => {
  const queue = queues.partitionWork(room.partition);
  await room.channel.deleteQueue(queue);
  await room.channel.assertQueue(queue, { durable: true });
  const broker = await room.connect();
  const consumed = broker.consumePartition(
    room.partition,
    runner('only', emptyDiary(), () => 0),
  );
  await expect(consumed).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(queue) });
  expect(broker.healthy).toBe(true);
});
