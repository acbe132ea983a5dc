import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { fact } from '@verifywise/contracts';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { hearing, type FactHandler } from './index.ts';
import { CuttableProxy } from './testing/cuttable-proxy.ts';
import { TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

let room: TestRoom;
let cable: CuttableProxy;

beforeEach(async () => {
  room = await TestRoom.open(backingServices().brokerUrl);
  cable = await CuttableProxy.start(backingServices().brokerUrl);
});
afterEach(async () => {
  await room.close();
  await cable.close();
});

/** Puts down every number that is heard. */
function listener(name: string): { heard: number[]; handler: FactHandler } {
  const heard: number[] = [];
  const handler = hearing(fact<{ n: number }>(name), ({ n }) => {
    heard.push(n);
    return Promise.resolve();
  });
  return { heard, handler };
}

test('every process hears every fact for itself, and is told whenever it may have missed some', async () => {
  const Said = fact<{ n: number }>(`${room.service}.said`);
  const [one, other] = [listener(Said.name), listener(Said.name)];
  const steady = await room.connect();
  const cut = await room.connect({ url: cable.url });
  let [steadyMissed, cutMissed] = [0, 0];
  await steady.overhear([one.handler], () => (steadyMissed += 1));
  await cut.overhear([other.handler], () => (cutMissed += 1));
  expect([steadyMissed, cutMissed]).toEqual([1, 1]);

  await steady.publish(Said, { tenant: room.tenant, payload: { n: 1 } });
  await eventually(() => expect([one.heard, other.heard]).toEqual([[1], [1]]));

  cable.cut();
  await eventually(() => expect(cutMissed).toBe(2));
  await eventually(() => expect(cut.healthy).toBe(true));
  await steady.publish(Said, { tenant: room.tenant, payload: { n: 2 } });
  await eventually(() => expect([one.heard.at(-1), other.heard.at(-1)]).toEqual([2, 2]));
  expect(steadyMissed).toBe(1);
});

test('a handler that throws does not end the hearing, and stopping does', async () => {
  const Said = fact<{ n: number }>(`${room.service}.said`);
  const heard: number[] = [];
  const broker = await room.connect();
  const failing = hearing(Said, ({ n }) => {
    heard.push(n);
    return n === 1 ? Promise.reject(new Error('out of order')) : Promise.resolve();
  });
  const consumer = await broker.overhear([failing], () => undefined);
  await broker.publish(Said, { tenant: null, payload: { n: 1 } });
  await broker.publish(Said, { tenant: null, payload: { n: 2 } });
  await eventually(() => expect(heard).toEqual([1, 2]));
  expect(room.log.lines.join('\n')).toContain('out of order');
  await consumer.stop();
  const { handler, heard: later } = listener(Said.name);
  await broker.overhear([handler], () => undefined);
  await broker.publish(Said, { tenant: null, payload: { n: 3 } });
  await eventually(() => expect(later).toEqual([3]));
  expect(heard).toEqual([1, 2]);
});
