import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { fact, question, work } from '@verifywise/contracts';
import { Registry } from 'prom-client';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { answering, hearing, type WorkDelivery } from './index.ts';
import { CuttableProxy } from './testing/cuttable-proxy.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

const Counted = fact<{ n: number }>('test.counted');

let room: TestRoom;
let cable: CuttableProxy;

beforeEach(async () => {
  const { brokerUrl } = backingServices();
  room = await TestRoom.open(brokerUrl);
  await room.declarePartition();
  cable = await CuttableProxy.start(brokerUrl);
});
afterEach(async () => {
  await room.close();
  await cable.close();
});

/** The broker's address at the other end of the cable; heartbeats by the second, so that silence is noticed soon. */
function byCable(): string {
  const url = new URL(cable.url);
  url.searchParams.set('heartbeat', '1');
  return url.href;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('connections cut again and again while publishing and consuming: everything is heard, first attempts in order', async () => {
  const metrics = new Registry();
  const publisher = await room.connect({ url: byCable(), metrics });
  const runner = await room.connect({ url: byCable() });
  const heard: number[] = [];
  const lost: string[] = [];
  await runner.consumePartition(room.partition, {
    event: (delivery) => {
      heard.push((delivery.envelope.payload as { n: number }).n);
      setImmediate(() => delivery.ack());
    },
    work: (delivery) => delivery.ack(),
    answers: [],
    lost: (reason) => void lost.push(reason),
  });
  const publishing: Promise<void>[] = [];
  for (const round of upTo(5)) {
    for (const n of upTo(400)) {
      publishing.push(
        publisher.publish(Counted, { tenant: room.tenant, payload: { n: round * 400 + n } }, { deadlineMs: 30_000 }),
      );
    }
    await eventually(() => expect(heard.length).toBeGreaterThan(round * 400 + 50));
    cable.cut();
  }
  await Promise.all(publishing);
  await eventually(() => expect(new Set(heard).size).toBe(2000));
  expect([...new Set(heard)]).toEqual(upTo(2000));
  expect(lost.length).toBeGreaterThanOrEqual(5);
  const reconnects = (await metrics.getSingleMetric('broker_reconnects_total')?.get())?.values ?? [];
  expect(reconnects.find(({ labels }) => (labels as { connection?: string }).connection === 'publishing')?.value).toBe(
    5,
  );
  await eventually(() => expect([publisher.healthy, runner.healthy]).toEqual([true, true]));
});

test('a connection that goes silent is given up after two heartbeats; what was not confirmed is sent again', async () => {
  const publisher = await room.connect({ url: byCable() });
  const witness = await room.connect();
  const heard: number[] = [];
  await witness.subscribe(room.service, [
    hearing(Counted, ({ n }, { tenant }) => {
      if (tenant === room.tenant) heard.push(n);
      return Promise.resolve();
    }),
  ]);
  const publish = (n: number, deadlineMs: number): Promise<void> =>
    publisher.publish(Counted, { tenant: room.tenant, payload: { n } }, { deadlineMs });
  await publish(0, 5_000);
  cable.goSilent();
  const patient = publish(1, 30_000);
  await expect(publish(2, 300)).rejects.toMatchObject({ code: 'PUBLISH_TIMED_OUT' });
  await eventually(() => expect(publisher.state).toBe('connecting'));
  expect(publisher.healthy).toBe(false);
  await expect(publish(3, 300)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  cable.cut();
  cable.speakAgain();
  await patient;
  await publish(4, 30_000);
  await eventually(() => expect(heard).toEqual([0, 1, 4]));
});

test('a question asked when the connection breaks is asked again, and answered', async () => {
  const Slow = question<{ n: number }, number>(room.service, 'slow');
  const asker = await room.connect({ url: byCable() });
  const answerer = await room.connect();
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  let taken = 0;
  await answerer.answerQuestions(room.service, [
    answering(Slow, async ({ n }) => {
      taken += 1;
      await held;
      return n * 2;
    }),
  ]);
  const asked = asker.ask(Slow, { tenant: null, payload: { n: 21 } }, { deadlineMs: 20_000 });
  await eventually(() => expect(taken).toBe(1));
  cable.cut();
  await eventually(() => expect(taken).toBe(2));
  answer();
  expect(await asked).toBe(42);
});

test('answering and hearing go on after the connection broke', async () => {
  const Ping = question<null, string>(room.service, 'ping');
  const service = await room.connect({ url: byCable() });
  const other = await room.connect();
  const heard: number[] = [];
  await service.answerQuestions(room.service, [answering(Ping, () => 'pong')]);
  await service.subscribe(room.service, [
    hearing(Counted, ({ n }, { tenant }) => {
      if (tenant === room.tenant) heard.push(n);
      return Promise.resolve();
    }),
  ]);
  cable.cut();
  await other.publish(Counted, { tenant: room.tenant, payload: { n: 1 } });
  // A question that was on its way to a consumer that had just died is lost, and safe to ask again.
  const ping = (): Promise<string> => other.ask(Ping, { tenant: null, payload: null }, { deadlineMs: 500 });
  expect(await eventually(ping)).toBe('pong');
  await eventually(() => expect(heard).toEqual([1]));
  await eventually(() => expect(service.healthy).toBe(true));
});

test('an outcome finds the process that waits for it, although its connection broke meanwhile', async () => {
  const Build = work<{ n: number }, string>('runner.build');
  const installer = await room.connect({ url: byCable() });
  const runner = await room.connect();
  const taken: WorkDelivery[] = [];
  await runner.consumePartition(room.partition, {
    event: (delivery) => delivery.ack(),
    work: (delivery) => void taken.push(delivery),
    answers: [],
    lost: () => undefined,
  });
  const outcome = installer.sendAndWait(Build, { tenant: room.tenant, payload: { n: 1 } }, { deadlineMs: 20_000 });
  await eventually(() => expect(taken).toHaveLength(1));
  cable.cut();
  taken[0]?.reply('built');
  taken[0]?.ack();
  expect(await outcome).toBe('built');
});
