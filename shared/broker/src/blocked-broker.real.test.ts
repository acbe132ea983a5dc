import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { fact, question } from '@verifywise/contracts';
import { Registry } from 'prom-client';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import type { Broker } from './index.ts';
import { CuttableProxy } from './testing/cuttable-proxy.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

const Counted = fact<{ n: number }>('test.counted');

let room: TestRoom;
let cable: CuttableProxy;
let broker: Broker;
const metrics = new Registry();

beforeEach(async () => {
  const { brokerUrl } = backingServices();
  room = await TestRoom.open(brokerUrl);
  cable = await CuttableProxy.start(brokerUrl);
  broker = await room.connect({ url: cable.url, metrics });
});
afterEach(async () => {
  await room.close();
  await cable.close();
});

function publishMany(count: number): Promise<void>[] {
  const publish = (n: number): Promise<void> =>
    broker.publish(Counted, { tenant: room.tenant, payload: { n } }, { deadlineMs: 20_000 });
  return Array.from({ length: count }, (_, n) => publish(n));
}

async function unconfirmed(): Promise<number> {
  return (await metrics.getSingleMetric('broker_unconfirmed')?.get())?.values[0]?.value ?? 0;
}

test('a broker that confirms nothing holds one window of messages, not all of them; the others follow later', async () => {
  cable.block({ told: false });
  const published = publishMany(1000);
  expect(await unconfirmed()).toBe(256);
  await expect(broker.publish(Counted, { tenant: null, payload: { n: 0 } }, { deadlineMs: 100 })).rejects.toMatchObject(
    { code: 'PUBLISH_TIMED_OUT' },
  );
  expect(await unconfirmed()).toBe(256);
  cable.unblock({ told: false });
  await Promise.all(published);
  expect(await unconfirmed()).toBe(0);
});

test('while RabbitMQ says it is blocked nothing is sent, what waits has its deadline, and all goes on afterwards', async () => {
  cable.block({ told: true });
  await eventually(() => expect(broker.state).toBe('blocked'));
  expect(broker.healthy).toBe(true);
  const published = publishMany(500);
  expect(await unconfirmed()).toBe(0);
  await expect(broker.publish(Counted, { tenant: null, payload: { n: 0 } }, { deadlineMs: 100 })).rejects.toMatchObject(
    { code: 'BROKER_UNAVAILABLE' },
  );
  const asked = broker.ask(
    question<null, null>(room.service, 'any'),
    { tenant: null, payload: null },
    { deadlineMs: 100 },
  );
  await expect(asked).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  await eventually(() => expect(broker.healthy).toBe(false));
  cable.unblock({ told: true });
  await Promise.all(published);
  expect(broker.state).toBe('connected');
  expect(broker.healthy).toBe(true);
});

test('messages that are never confirmed do not keep the window for ever: a new channel makes room', async () => {
  cable.block({ told: false });
  const given = Array.from({ length: 256 }, (_, n) =>
    broker.publish(Counted, { tenant: room.tenant, payload: { n } }, { deadlineMs: 200 }),
  );
  const outcomes = await Promise.allSettled(given);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  await eventually(() => expect(room.log.lines.join('\n')).toContain('half of the window was not confirmed in time'));
  cable.unblock({ told: false });
  await broker.publish(Counted, { tenant: room.tenant, payload: { n: 256 } }, { deadlineMs: 20_000 });
  expect(await unconfirmed()).toBe(0);
  await eventually(() => expect(broker.healthy).toBe(true));
});
