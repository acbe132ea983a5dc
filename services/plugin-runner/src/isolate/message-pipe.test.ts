import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { serialize } from 'node:v8';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MessagePipe, packed } from './message-pipe.ts';

describe('a pipe of messages', () => {
  let near: Socket;
  let far: Socket;
  let heard: unknown[];
  let pipe: MessagePipe;
  let ended: Promise<string>;
  beforeEach(async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    near = connect((server.address() as AddressInfo).port, '127.0.0.1');
    [far] = (await accepted) as [Socket];
    server.close();
    heard = [];
    ended = new Promise((resolve) => {
      pipe = new MessagePipe(near, {
        message: (said) => void heard.push(said),
        broken: (error) => resolve(`broken: ${error.message}`),
        closed: () => resolve('closed'),
      });
    });
  });
  afterEach(() => {
    near.destroy();
    far.destroy();
  });

  const packet = (value: unknown) => {
    const body = serialize(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  };

  test('hears whole messages, however they are cut, and many at once', async () => {
    const values = [{ a: new Date(0), b: undefined }, 'x'.repeat(200_000), Buffer.from('bytes'), null, [1n]];
    const bytes = Buffer.concat(values.map(packet));
    for (const cut of [1, 3, 4, 5, 70_000]) {
      far.write(bytes.subarray(0, cut));
      far.write(bytes.subarray(cut));
    }
    far.end();
    expect(await ended).toBe('closed');
    expect(heard).toEqual([...values, ...values, ...values, ...values, ...values]);
  });

  test('breaks at a message that is larger than this end reads, and not at one that is as large', async () => {
    far.destroy();
    near.destroy();
    const small = packed('x'.repeat(1_000));
    for (const [largest, outcome] of [
      [small.length - 4, ['x'.repeat(1_000)]],
      [small.length - 5, [`A message of ${small.length - 4} bytes was announced`]],
    ] as const) {
      const [reads, writes] = duplexPair() as unknown as [Socket, Socket];
      const said: unknown[] = [];
      const hearing = { message: (one: unknown) => said.push(one), closed: () => undefined };
      new MessagePipe(reads, { ...hearing, broken: ({ message }: Error) => said.push(message) }, largest);
      writes.end(small);
      await once(reads, 'end');
      expect(said).toEqual(outcome);
    }
    expect(() => packed('x'.repeat(1_000), 999)).toThrow('may have 999 bytes');
  });

  test.each([
    ['no value', Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])],
    ['nothing', Buffer.from([0, 0, 0, 0])],
    ['a length beyond all messages', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ])('breaks at %s, and believes nothing after it', async (_what, bytes) => {
    far.write(Buffer.concat([packet('before'), bytes, packet('after')]));
    expect(await ended).toMatch(/^broken/);
    expect(heard).toEqual(['before']);
  });

  test('sends what the other end can read, and refuses what cannot be written', async () => {
    pipe.send({ a: 1 });
    const [bytes] = (await once(far, 'data')) as [Buffer];
    expect(bytes).toEqual(packet({ a: 1 }));
    expect(() => pipe.send(() => undefined)).toThrow(/could not be cloned/);
    expect(() => pipe.send('x'.repeat(70 * 1024 * 1024))).toThrow(RangeError);
  });

  test('rests for a moment when it is asked to, and then hears everything', async () => {
    pipe.rest(20);
    pipe.rest(20);
    far.write(packet('later'));
    far.end();
    expect(near.isPaused()).toBe(true);
    expect(await ended).toBe('closed');
    expect(heard).toEqual(['later']);
  });

  test('breaks when the other end reads nothing of too much', async () => {
    const large = packed('x'.repeat(60 * 1024 * 1024));
    for (let times = 0; times < 12; times += 1) pipe.sendPacked(large);
    expect(await ended).toMatch(/^broken: It left \d+ bytes unread/);
  });

  test('says nothing into a pipe that is closed', async () => {
    far.destroy();
    expect(await ended).toBe('closed');
    expect(pipe.open).toBe(false);
    pipe.send('unheard');
  });
});
