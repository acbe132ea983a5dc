import { spawn } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { fact, queues } from '@verifywise/contracts';
import { backingServices } from '../../../test/support/backing-services.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { connectBroker } from './index.ts';
import { CuttableProxy } from './testing/cuttable-proxy.ts';
import { testLog, TestRoom } from './testing/test-room.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(30_000);

const PROGRAM = fileURLToPath(new URL('testing/closing-process.ts', import.meta.url));

let room: TestRoom;

beforeEach(async () => {
  room = await TestRoom.open(backingServices().brokerUrl);
});
afterEach(() => room.close());

interface Ending {
  said: string[];
  exit: Promise<number | null>;
  go: () => void;
}

/** Runs the program; it is killed when it has not ended by itself before the test does. */
function start(url: string, what: string): Ending {
  const child = spawn(process.execPath, [PROGRAM, url, what], { stdio: ['pipe', 'pipe', 'inherit'], timeout: 25_000 });
  const said: string[] = [];
  child.stdout.on('data', (bytes: Buffer) => said.push(...bytes.toString().trim().split('\n')));
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { said, exit, go: () => void child.stdin.write('go\n') };
}

test('a process whose broker is closed ends', async () => {
  const { said, exit } = start(room.url, 'close');
  expect(await exit).toBe(0);
  expect(said).toEqual(['connected', 'closed']);
});

test('a process whose broker has gone silent can still close it, and ends', async () => {
  const cable = await CuttableProxy.start(room.url);
  const { said, exit, go } = start(cable.url, 'silent');
  await eventually(() => expect(said).toEqual(['connected']));
  cable.goSilent();
  go();
  expect(await exit).toBe(0);
  expect(said).toEqual(['connected', 'closed']);
  await cable.close();
});

test('a process that reaches no broker says so after its deadline, and ends', async () => {
  const mute: Server = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { said, exit } = start(`amqp://127.0.0.1:${(mute.address() as AddressInfo).port}`, 'unreachable');
  expect(await exit).toBe(0);
  expect(said).toEqual(['BROKER_UNAVAILABLE']);
  mute.close();
});

test('a broker that is not there yet is waited for', async () => {
  const cable = await CuttableProxy.start(room.url);
  const { url } = cable;
  await cable.close();
  const log = testLog();
  const connecting = connectBroker({ url, source: 'test', declare: false, log, connectDeadlineMs: 20_000 });
  await eventually(() => expect(log.lines.join('\n')).toContain('RabbitMQ cannot be used; trying again'));
  expect(log.lines.join('\n')).not.toContain('guest:guest');
  const later = await CuttableProxy.start(room.url, Number(new URL(url).port));
  const broker = await connecting;
  expect(broker.state).toBe('connected');
  await broker.close();
  await later.close();
});

test('closing confirms what was published before, refuses what comes after, and leaves no queue of its own', async () => {
  const Happened = fact<{ n: number }>('test.happened');
  const broker = await room.connect();
  const published = Array.from({ length: 500 }, (_, n) =>
    broker.publish(Happened, { tenant: room.tenant, payload: { n } }),
  );
  await broker.close();
  await Promise.all(published);
  expect(broker.state).toBe('closed');
  expect(broker.healthy).toBe(false);
  const late = broker.publish(Happened, { tenant: room.tenant, payload: { n: 0 } });
  await expect(late).rejects.toMatchObject({ code: 'STOPPING' });
  await expect(broker.subscribe(room.service, [])).rejects.toMatchObject({ code: 'STOPPING' });
  await broker.close();
});

test('what cannot be confirmed before the end is refused, so that its sender keeps it', async () => {
  const cable = await CuttableProxy.start(room.url);
  const broker = await room.connect({ url: cable.url });
  cable.goSilent();
  const published = broker.publish(fact<null>('test.kept'), { tenant: room.tenant, payload: null });
  const refused = expect(published).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  await broker.close();
  await refused;
  await cable.close();
});

test('a stopped service leaves its queues to its replicas', async () => {
  const broker = await room.connect();
  const consumer = await broker.subscribe(room.service, []);
  const answers = await broker.answerQuestions(room.service, []);
  await Promise.all([consumer.stop(), answers.stop()]);
  for (const queue of [queues.serviceFacts(room.service), queues.serviceCalls(room.service)]) {
    await eventually(async () => expect(await room.channel.checkQueue(queue)).toMatchObject({ consumerCount: 0 }));
  }
  expect(broker.healthy).toBe(true);
});
