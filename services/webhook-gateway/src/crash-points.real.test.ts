import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WebhookAnswer } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { anAnswer, deliveriesOf, endpointOf, post } from './testing/gateway-calls.ts';
import { GatewayRoom } from './testing/gateway-room.ts';

/**
 * The life of a webhook, and where a process may be killed in it:
 *
 *     sender ──body──► gateway ──row──► PostgreSQL ──send──► RabbitMQ ──► runner ──► plugin
 *            (1)              (2)             (3)          (4)      (5)       (6)
 *     sender ◄─answer─ gateway ◄──────── outcome (to who waits, and as a fact) ◄───────┘
 *                         (7)
 *
 * 1  The body is on its way: nothing is accepted, the sender's connection breaks.
 * 2  The row is being written: it is there or not; the sender's connection breaks, and its next try finds it by the delivery's id.
 * 3  Stored and not sent: another gateway sends it when the lease is over ("stored by a gateway that was killed" in the test beside this).
 * 4  Sent, and the gateway dies while it waits: the outcome comes as a fact, and another gateway writes it down.
 * 5  The broker dies with the message in it: the message is durable, and is there again with the broker.
 * 6  The runner dies with the plugin at work: the message was not acknowledged, and the next runner has it (test/journeys/receive-a-webhook).
 * 7  The plugin has answered and the gateway dies before it has written that down: as 4.
 */
let room: GatewayRoom;

beforeAll(async () => {
  room = await GatewayRoom.open(9);
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

const DELIVERY = { headers: { 'x-github-delivery': '72d3162e' }, body: 'payload' };

/** A request whose end the sender does not see. */
function lost(url: string, path: string, init: RequestInit = DELIVERY): Promise<'lost' | number> {
  return post({ url }, path, init).then(
    ({ status }) => status,
    () => 'lost',
  );
}

test('1: a gateway killed in the middle of a body has accepted nothing; the next try is delivered whole', async () => {
  const webhooks = [{ name: 'issue-updated', methods: ['POST'], bodyLimit: 4 * 1024 * 1024 }];
  const runner = await room.runner(() => anAnswer(200, 'done'), { webhooks });
  const [gateway, doomed] = [await room.gateway(), await room.gatewayProcess()];
  const path = await endpointOf(gateway);
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  const sending = httpRequest(`${doomed.url}${path}`, {
    method: 'POST',
    headers: { 'content-length': megabyte.length * 3 },
  });
  const broken = new Promise((resolve) => sending.once('error', resolve));
  sending.write(megabyte);
  sending.write(megabyte);
  const pieces = async () => (await room.sql.query('SELECT 1 FROM webhook_gateway.body_chunks')).rowCount ?? 0;
  await eventually(async () => expect(await pieces()).toBeGreaterThan(0));
  await doomed.kill();
  await broken;
  expect(await room.stored()).toEqual([]);
  const body = Buffer.alloc(3 * 1024 * 1024, 'y');
  expect((await post(gateway, path, { body })).status).toBe(200);
  expect(deliveriesOf(runner)).toMatchObject([{ bodyBase64: '', bodyElsewhere: { bytes: body.length } }]);
}, 60_000);

test('2: a gateway killed while it stores: the sender tries again, and it is delivered once', async () => {
  const runner = await room.runner(() => anAnswer(200, 'done'));
  const [gateway, doomed] = [await room.gateway(), await room.gatewayProcess()];
  const path = await endpointOf(gateway);
  const letGo = await room.holding('LOCK TABLE webhook_gateway.requests IN SHARE MODE');
  const first = lost(doomed.url, path);
  await room.standsBefore('INSERT INTO requests');
  await doomed.kill();
  expect(await first).toBe('lost');
  await letGo();
  expect([200, 202]).toContain((await post(gateway, path, DELIVERY)).status);
  // The lease of the one that was killed ends in ten seconds; the test does not wait for that.
  await room.sql.query(`UPDATE webhook_gateway.requests SET send_at = now() WHERE state = 'accepted'`);
  await eventually(async () => expect(await room.stored()).toMatchObject([{ outcome: 'answered' }]));
  expect(new Set(deliveriesOf(runner).map(({ requestId }) => requestId)).size).toBe(1);
}, 60_000);

test('4: a gateway killed while it waits for the plugin: the outcome is kept all the same', async () => {
  const slow = Promise.withResolvers<WebhookAnswer>();
  const runner = await room.runner(() => slow.promise);
  const [gateway, doomed] = [await room.gateway(), await room.gatewayProcess()];
  const path = await endpointOf(gateway);
  const first = lost(doomed.url, path);
  await eventually(() => expect(runner.received).toHaveLength(1));
  await doomed.kill();
  expect(await first).toBe('lost');
  slow.resolve(anAnswer(201, 'made'));
  await eventually(async () => expect(await room.stored()).toMatchObject([{ state: 'finished', answer_status: 201 }]));
  const again = await post(gateway, path, DELIVERY);
  expect([again.status, await again.text()]).toEqual([201, 'made']);
  expect(runner.received).toHaveLength(1);
}, 60_000);

test('5: a broker killed while the plugin works has the work again when it is back', async () => {
  const slow = Promise.withResolvers<WebhookAnswer>();
  const runner = await room.runner(() => slow.promise);
  const gateway = await room.gateway();
  const path = await endpointOf(gateway);
  const first = post(gateway, path, DELIVERY);
  await eventually(() => expect(runner.received).toHaveLength(1));
  await room.rabbit.kill();
  expect((await first).status).toBe(202);
  slow.resolve(anAnswer(200, 'done'));
  await room.rabbit.restart();
  await eventually(async () => expect(await room.stored()).toMatchObject([{ outcome: 'answered' }]), {
    within: 40_000,
  });
  expect(new Set(deliveriesOf(runner).map(({ requestId }) => requestId)).size).toBe(1);
}, 90_000);

test('7: a gateway killed with the answer in its hands: another one writes it down, and nobody asks the plugin again', async () => {
  const answer = Promise.withResolvers<WebhookAnswer>();
  const runner = await room.runner(() => answer.promise);
  const [gateway, doomed] = [await room.gateway(), await room.gatewayProcess()];
  const path = await endpointOf(gateway);
  const first = lost(doomed.url, path);
  await eventually(() => expect(runner.received).toHaveLength(1));
  const letGo = await room.holding('SELECT 1 FROM webhook_gateway.requests FOR UPDATE');
  answer.resolve(anAnswer(200, 'done'));
  await room.standsBefore("SET state = 'finished'");
  await doomed.kill();
  expect(await first).toBe('lost');
  await letGo();
  await eventually(async () =>
    expect(await room.stored()).toMatchObject([{ outcome: 'answered', answer_status: 200 }]),
  );
  expect(runner.received).toHaveLength(1);
}, 60_000);
