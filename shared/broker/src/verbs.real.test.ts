import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { fact, partitionQuestion, PlatformError, question, queues, work, type Envelope } from '@verifywise/contracts';
import { Registry } from 'prom-client';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { answering, hearing, MAX_MESSAGE_BYTES, type Broker, type Delivery, type WorkDelivery } from './index.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let room: TestRoom;
let broker: Broker;
const metrics = new Registry();

beforeAll(async () => {
  room = await TestRoom.open(backingServices().brokerUrl);
  await room.declarePartition();
  broker = await room.connect({ metrics });
});
afterAll(() => room.close());

/** The value of one of this broker's metrics, for the given label. */
async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  const values = (await metrics.getSingleMetric(name)?.get())?.values ?? [];
  const matching = values.filter((value) =>
    Object.entries(labels).every(([label, wanted]) => (value.labels as Record<string, unknown>)[label] === wanted),
  );
  return matching.reduce((sum, { value }) => sum + value, 0);
}

describe('publish', () => {
  test('a fact of any tenant, and of none, reaches every service that hears it, with its whole envelope', async () => {
    const Renamed = fact<{ name: string }>(`${room.service}.renamed`);
    const heard: { name: string; envelope: Envelope }[] = [];
    const consumer = await broker.subscribe(room.service, [
      hearing(Renamed, ({ name }, { envelope }) => {
        heard.push({ name, envelope });
        return Promise.resolve();
      }),
    ]);
    const time = new Date('2026-01-02T03:04:05.678Z');
    await broker.publish(Renamed, {
      tenant: room.tenant,
      payload: { name: 'a' },
      id: 'the-id',
      time,
      correlationId: 'the-request',
      traceparent: TRACEPARENT,
    });
    await broker.publish(Renamed, { tenant: null, payload: { name: 'b' } });

    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard.find(({ name }) => name === 'a')?.envelope).toEqual({
      id: 'the-id',
      type: Renamed.name,
      tenant: room.tenant,
      time: time.toISOString(),
      correlationId: 'the-request',
      traceparent: TRACEPARENT,
      source: 'test',
      payload: { name: 'a' },
    });
    expect(heard.find(({ name }) => name === 'b')?.envelope.tenant).toBeNull();
    await consumer.stop();
  });

  test('a fact nobody listens to is confirmed: nobody has to listen', async () => {
    await broker.publish(fact<null>(`${room.service}.unheard`), { tenant: null, payload: null });
  });

  test('a thousand facts at once are all confirmed, and counted', async () => {
    const before = await metric('broker_published_total', { verb: 'publish' });
    const Counted = fact<{ n: number }>(`${room.service}.counted`);
    await Promise.all(
      Array.from({ length: 1000 }, (_, n) => broker.publish(Counted, { tenant: room.tenant, payload: { n } })),
    );
    expect(await metric('broker_published_total', { verb: 'publish' })).toBe(before + 1000);
    expect(await metric('broker_unconfirmed')).toBe(0);
  });

  test('what can be no message is refused before it is sent, and the connection lives on', async () => {
    const Large = fact<{ text: string }>(`${room.service}.large`);
    const send = (tenant: string, payload: unknown, name = Large.name): Promise<void> =>
      broker.publish(fact<unknown>(name), { tenant, payload });
    await expect(send(room.tenant, { text: 'x'.repeat(MAX_MESSAGE_BYTES) })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    });
    await expect(send('no.tenant', {})).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(send(room.tenant, 1n)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(send(room.tenant, {}, 'x'.repeat(256))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await send(room.tenant, { text: 'x'.repeat(1_000_000) });
    expect(broker.state).toBe('connected');
  });

  test('a caller who gives up is told why', async () => {
    const reason = new Error('the request was aborted');
    const published = broker.publish(
      fact<null>(`${room.service}.given_up`),
      { tenant: null, payload: null },
      { signal: AbortSignal.abort(reason) },
    );
    await expect(published).rejects.toBe(reason);
  });
});

describe('send', () => {
  const Build = work<{ n: number }, { built: number }>('runner.build');

  /** Works on the tenant's partition as long as `during` runs. */
  async function working(take: (delivery: WorkDelivery) => void, during: () => Promise<void>): Promise<void> {
    const consumer = await broker.consumePartition(room.partition, {
      event: (delivery) => delivery.ack(),
      work: take,
      answers: [],
      lost: () => undefined,
    });
    try {
      await during();
    } finally {
      await consumer.handOver();
    }
  }

  test('work waits in its queue until somebody does it', async () => {
    await broker.send(Build, { tenant: room.tenant, payload: { n: 7 } });
    const done: Delivery[] = [];
    const take = (delivery: WorkDelivery): void => {
      done.push(delivery);
      delivery.reply({ built: 7 });
      delivery.ack();
    };
    await working(take, () =>
      eventually(() => expect(done.map(({ envelope }) => envelope.payload)).toEqual([{ n: 7 }])),
    );
    expect(done[0]).toMatchObject({ redelivered: false, deliveryCount: 0, settled: true });
    expect(done[0]?.ack()).toBe(false);
  });

  test('who waits hears the outcome, and an error of the worker', async () => {
    const take = (delivery: WorkDelivery): void => {
      const { n } = delivery.envelope.payload as { n: number };
      if (n < 0) return void delivery.reject('it is negative');
      delivery.reply({ built: n * 2 });
      delivery.ack();
    };
    await working(take, async () => {
      const build = (n: number): Promise<{ built: number }> =>
        broker.sendAndWait(Build, { tenant: room.tenant, payload: { n } }, { deadlineMs: 10_000 });
      expect(await Promise.all([build(1), build(2)])).toEqual([{ built: 2 }, { built: 4 }]);
      await expect(build(-1)).rejects.toMatchObject({ code: 'HANDLER_FAILED', message: 'it is negative' });
    });
  });

  test('an outcome that does not come in time is TIMED_OUT; the work is done all the same', async () => {
    const late = broker.sendAndWait(Build, { tenant: room.tenant, payload: { n: 3 } }, { deadlineMs: 300 });
    await expect(late).rejects.toMatchObject({ code: 'TIMED_OUT' });
    const done: unknown[] = [];
    const take = (delivery: WorkDelivery): void => {
      done.push(delivery.envelope.payload);
      delivery.reply({ built: 3 });
      delivery.ack();
    };
    await working(take, () => eventually(() => expect(done).toEqual([{ n: 3 }])));
  });

  test('work for a partition whose queue is missing is NO_RUNNER', async () => {
    const elsewhere = await room.connect({ partitions: room.partitions + 1, metrics });
    const sent = elsewhere.send(Build, { tenant: room.tenant, payload: { n: 1 } });
    await expect(sent).rejects.toMatchObject({ code: 'NO_RUNNER' });
    expect(await metric('broker_returned_total', { verb: 'send' })).toBe(1);
    await elsewhere.close();
  });
});

describe('ask', () => {
  const Add = (): ReturnType<typeof question<{ a: number; b: number }, number | null>> => question(room.service, 'add');
  const Slow = (): ReturnType<typeof question<{ ms: number }, string>> => question(room.service, 'slow');
  const WhoHolds = partitionQuestion<{ word: string }, string>('who-holds');

  test('a service answers, and its typed errors arrive as they were thrown', async () => {
    const consumer = await broker.answerQuestions(room.service, [
      answering(Add(), ({ a, b }) => {
        if (a < 0) throw new PlatformError('VALIDATION_FAILED', 'a is negative', { details: { issues: ['a'] } });
        if (b < 0) throw new Error('a secret of the database');
        return b === 0 ? null : a + b;
      }),
    ]);
    const add = (a: number, b: number): Promise<number | null> =>
      broker.ask(Add(), { tenant: room.tenant, payload: { a, b } });
    expect(await add(1, 2)).toBe(3);
    expect(await add(1, 0)).toBeNull();
    const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => add(n, n + 1)));
    expect(sums).toEqual(Array.from({ length: 500 }, (_, n) => 2 * n + 1));
    await expect(add(-1, 1)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'a is negative',
      details: { issues: ['a'] },
    });
    const failed = await add(1, -1).catch((error: unknown) => error as PlatformError);
    expect(failed).toMatchObject({ code: 'INTERNAL' });
    expect(String(failed)).not.toContain('secret');
    expect(room.log.lines.join('\n')).toContain('a secret of the database');
    await expect(broker.ask(Slow(), { tenant: null, payload: { ms: 1 } })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await consumer.stop();
  });

  test('nobody is waiting: the answerer sees its signal aborted at the deadline of the asker', async () => {
    let reason: unknown;
    const consumer = await broker.answerQuestions(room.service, [
      answering(
        Slow(),
        (_payload, { signal }) =>
          new Promise<string>((resolve) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
              resolve('too late');
            });
          }),
      ),
    ]);
    const asked = broker.ask(Slow(), { tenant: null, payload: { ms: 1 } }, { deadlineMs: 200 });
    await expect(asked).rejects.toMatchObject({ code: 'ASK_TIMED_OUT' });
    await eventually(() => expect(reason).toBeInstanceOf(Error));
    await consumer.stop();
  });

  test('a question nobody took before its deadline is not answered later', async () => {
    const taken: unknown[] = [];
    const answers = [
      answering(Slow(), ({ ms }) => {
        taken.push(ms);
        return 'done';
      }),
    ];
    const first = await broker.answerQuestions(room.service, answers);
    await first.stop();
    const asked = broker.ask(Slow(), { tenant: null, payload: { ms: 1 } }, { deadlineMs: 200 });
    await expect(asked).rejects.toMatchObject({ code: 'ASK_TIMED_OUT' });
    await eventually(async () =>
      expect((await room.channel.checkQueue(queues.serviceCalls(room.service))).messageCount).toBe(0),
    );
    const second = await broker.answerQuestions(room.service, answers);
    expect(await broker.ask(Slow(), { tenant: null, payload: { ms: 2 } })).toBe('done');
    expect(taken).toEqual([2]);
    await second.stop();
  });

  test('the owner of a partition answers for its tenants, and for the partition as such', async () => {
    const consumer = await broker.consumePartition(room.partition, {
      event: (delivery) => delivery.ack(),
      work: (delivery) => delivery.ack(),
      answers: [answering(WhoHolds, ({ word }, { tenant }) => `${word} ${tenant ?? 'nobody'}`)],
      lost: () => undefined,
    });
    expect(await broker.ask(WhoHolds, { tenant: room.tenant, payload: { word: 'hello' } })).toBe(
      `hello ${room.tenant}`,
    );
    expect(await broker.ask(WhoHolds, { tenant: null, partition: room.partition, payload: { word: 'hello' } })).toBe(
      'hello nobody',
    );
    await consumer.handOver();
  });

  test('a question that no queue takes fails at once: NO_RUNNER for a partition, UNAVAILABLE for a service', async () => {
    const toPartition = broker.ask(WhoHolds, { tenant: null, partition: room.partition + 1, payload: { word: '' } });
    await expect(toPartition).rejects.toMatchObject({ code: 'NO_RUNNER' });
    await room.channel.deleteQueue(queues.serviceCalls(room.service));
    const toService = broker.ask(Add(), { tenant: null, payload: { a: 1, b: 1 } });
    await expect(toService).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const toNobody = broker.ask(WhoHolds, { tenant: null, payload: { word: '' } });
    await expect(toNobody).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  test('an answer that is too large is an error, not silence', async () => {
    const Essay = question<null, string>(room.service, 'essay');
    const consumer = await broker.answerQuestions(room.service, [
      answering(Essay, () => 'x'.repeat(MAX_MESSAGE_BYTES)),
    ]);
    await expect(broker.ask(Essay, { tenant: null, payload: null })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await consumer.stop();
  });
});
