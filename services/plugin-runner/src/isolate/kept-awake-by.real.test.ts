import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { LoneIsolate } from '../testing/lone-isolate.ts';

/** Does what it hears; `kept` is where it leaves things for the next time. */
const DOER = `
const kept = {};
const AsyncFunction = (async () => undefined).constructor;
module.exports = {
  onLoad(ctx) {
    ctx.on('do', (payload) => new AsyncFunction('require', 'kept', 'ctx', '__dirname', payload.code)(require, kept, ctx, __dirname));
  },
  routes(router) { router.get('/', (req, res) => res.json({})); },
};`;

describe('what keeps an isolate awake', () => {
  let isolate: LoneIsolate;
  let neighbour: Server;
  let port: number;
  const agent = new Agent({ keepAlive: true });
  beforeAll(async () => {
    neighbour = createServer((_req, res) => res.end('hello')).listen(0, '127.0.0.1');
    await once(neighbour, 'listening');
    ({ port } = neighbour.address() as AddressInfo);
    isolate = await LoneIsolate.start({
      files: { 'index.js': DOER },
      granted: ['events:listen', 'http:outbound'],
      egressAllowed: ['127.0.0.1'],
    });
    await isolate.call('hook', { hook: 'onLoad', options: {} });
  });
  afterAll(async () => {
    await isolate.stop();
    neighbour.close();
    agent.destroy();
  });

  const make = async (code: string) => {
    const { errors } = await isolate.call('event', { event: 'do', payload: { code }, limitMs: 5_000 });
    expect(errors).toEqual([]);
  };
  const awake = () => isolate.call('awake', null);

  test('nothing of the isolate: its server, a connection of the runner, its channel, its output', async () => {
    const [answer] = (await once(
      get({ socketPath: isolate.socketPath, path: isolate.pathOf('/api/plugins/lone/'), agent }),
      'response',
    )) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    await make(`console.log('said'); process.stdout.write('written\\n');`);
    expect(await awake()).toEqual([]);
  });

  test.each([
    ['a timer', `kept.it = setTimeout(() => undefined, 60_000)`, `clearTimeout(kept.it)`, ['timer ×1']],
    [
      'one that is unref’d',
      `kept.it = setTimeout(() => undefined, 60_000).unref()`,
      `clearTimeout(kept.it)`,
      ['timer ×1'],
    ],
    ['an interval', `kept.it = setInterval(() => undefined, 60_000)`, `clearInterval(kept.it)`, ['timer ×1']],
    [
      'an interval of node:timers',
      `kept.it = require('node:timers').setInterval(() => undefined, 60_000)`,
      `kept.it.close()`,
      ['timer ×1'],
    ],
    [
      'an imported one',
      `kept.it = (await import('timers')).setTimeout(() => undefined, 60_000)`,
      `kept.it[Symbol.dispose]()`,
      ['timer ×1'],
    ],
    [
      'one that was set again',
      `await new Promise((resolve) => { kept.it = setTimeout(resolve, 1); }); kept.it._idleTimeout = 60_000; kept.it.refresh()`,
      `clearTimeout(kept.it)`,
      ['timer ×1'],
    ],
    [
      'a promise of a timer',
      `kept.it = new AbortController(); kept.done = require('timers/promises').setTimeout(60_000, null, { signal: kept.it.signal, ref: false }).catch(() => undefined)`,
      `kept.it.abort(); await kept.done`,
      ['timer ×1'],
    ],
    [
      'a promisified timer',
      `kept.it = new AbortController(); kept.done = require('util').promisify(setTimeout)(60_000, null, { signal: kept.it.signal }).catch(() => undefined)`,
      `kept.it.abort(); await kept.done`,
      ['timer ×1'],
    ],
    [
      'ticks',
      `kept.it = new AbortController(); kept.done = (async () => { for await (const _ of require('timers/promises').setInterval(60_000, null, { signal: kept.it.signal })) return; })().catch(() => undefined)`,
      `kept.it.abort(); await kept.done`,
      ['timer ×1'],
    ],
    [
      'a watched folder',
      `kept.it = require('fs').watch(__dirname)`,
      `kept.it.close()`,
      [expect.stringMatching(/^FSE\w+ ×1$/i)],
    ],
    [
      'a UDP socket',
      `kept.it = require('dgram').createSocket('udp4').bind(0, '127.0.0.1'); await new Promise((resolve) => kept.it.once('listening', resolve))`,
      `kept.it.close()`,
      [expect.stringMatching(/^UDP\w+ ×1$/i)],
    ],
  ] as const)('%s', async (_what, begin, end, names) => {
    await make(begin);
    expect(await awake()).toEqual(names);
    await make(end);
    await eventually(async () => expect(await awake()).toEqual([]));
  });

  test('a server, also one that is unref’d, and a connection', async () => {
    await make(
      `kept.server = require('http').createServer().listen(0, '127.0.0.1').unref(); await new Promise((resolve) => kept.server.once('listening', resolve));`,
    );
    expect((await awake()).filter((name) => name.startsWith('server'))).toEqual(['server ×1']);
    await make(`await new Promise((resolve) => kept.server.close(resolve))`);
    await eventually(async () => expect(await awake()).toEqual([]));
    await make(
      `kept.socket = require('net').connect(${port}, '127.0.0.1'); await new Promise((resolve) => kept.socket.once('connect', resolve))`,
    );
    expect(await awake()).toEqual(['TCPSocketWrap ×1']);
    await make(`kept.socket.destroy()`);
    await eventually(async () => expect(await awake()).toEqual([]));
  });

  test('no connection that is only kept for the next request', async () => {
    await make(`
      await (await fetch('http://127.0.0.1:${port}/')).text();
      const answer = await new Promise((resolve) => require('http').get('http://127.0.0.1:${port}/', resolve));
      for await (const _ of answer);`);
    await eventually(async () => expect(await awake()).toEqual([]));
  });

  test('a question to the platform', async () => {
    await make(`void ctx.metadata.get('user', 1, 'x').catch(() => undefined)`);
    expect(await awake()).toEqual(['question to the platform ×1']);
  });

  test('a million short timers leave nothing behind', async () => {
    // What was left of each would be 100 bytes and more; what is not collected yet is much less together.
    await make(`
      const { heapUsed: before } = process.memoryUsage();
      for (let round = 0; round < 100; round += 1) {
        await new Promise((resolve) => { for (let each = 0; each < 10_000; each += 1) setTimeout(each === 9_999 ? resolve : () => undefined, 0, { filler: 'x'.repeat(10) }); });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
      if (grown > 70) throw new Error('The heap has grown by ' + grown + ' MB');`);
    expect((await awake()).filter((name) => name.startsWith('timer'))).toEqual([]);
  });
});
