import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { eventually } from '../../../../../test/support/eventually.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { TRIER, attempt } from '../../testing/trier.ts';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A neighbour on this machine: answers, redirects, speaks WebSocket. */
async function neighbour() {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(req.url ?? '');
    const to = /^\/to\/(.*)$/.exec(req.url ?? '')?.[1];
    if (to) res.writeHead(302, { location: decodeURIComponent(to) });
    res.end('hello');
  });
  server.on('upgrade', (req, socket) => {
    const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64');
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  let connections = 0;
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, connections: () => connections, server };
}

/** A plugin comes by the classes of the handles of its sockets: those of the connections and of what waits for them. */
const HANDLES = `
const opened = require('net').connect({ host: 'nowhere.example', port: 9, lookup() {} }).on('error', () => undefined);
const { constructor: TCP } = opened._handle;
const Request = class {};
opened.destroy();`;

/** What plugin code replaces, hoping that a guard asks for it. */
const REPLACED: [what: string, how: string][] = [
  [
    "lists' methods",
    `put(Array.prototype, 'find', () => undefined); put(Array.prototype, 'some', () => true); put(Array.prototype, 'map', () => []);`,
  ],
  ['block lists', `put(require('net').BlockList.prototype, 'check', () => false);`],
  ['isIP', `put(require('net'), 'isIP', () => 0);`],
  [
    'Reflect.apply',
    `put(Reflect, 'apply', (original, self, args) => original.call(self, { host: '127.0.0.1', port: args[0][0].port, lookup: args[0][0].lookup }));`,
  ],
  ['Object.create', `put(Object, 'create', (options) => options);`],
  [
    "texts' methods",
    `put(String.prototype, 'toLowerCase', () => 'named.example'); put(String.prototype, 'replace', () => '8.8.8.8');`,
  ],
];

describe('the network of a plugin', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let allowed: Awaited<ReturnType<typeof neighbour>>;
  let other: Awaited<ReturnType<typeof neighbour>>;
  const udp = createSocket('udp4');
  const heard: string[] = [];
  beforeAll(async () => {
    [allowed, other] = [await neighbour(), await neighbour()];
    udp.on('message', (message) => heard.push(message.toString()));
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    room = await RunnerRoom.open();
    // Nobody listens at 127.0.0.9.
    const PLUGIN_EGRESS_ALLOW = `127.0.0.1:${allowed.port},localhost:${allowed.port},named.example,127.0.0.9,127.0.0.0/8:${udp.address().port}`;
    runner = await room.startRunner({ PLUGIN_EGRESS_ALLOW });
    await room.enabled({ tenant: 'may', code: TRIER, granted: ['http:outbound'] });
    await room.enabled({ tenant: 'may-not', code: TRIER, granted: [] });
  });
  afterAll(async () => {
    await room.close();
    for (const { server } of [allowed, other]) server.close();
    udp.close();
  });

  const may = (code: string) => attempt(runner, 'may', code);
  const mayNot = (code: string) => attempt(runner, 'may-not', code);

  /** Every way out: what a plugin writes to reach a port of this machine, and what it sees when it got there. */
  const ways = (port: number): [way: string, code: string, reached: unknown][] => [
    ['fetch', `return (await fetch('http://127.0.0.1:${port}/')).text()`, { answer: 'hello' }],
    ['fetch kept early', `return (await early.fetch('http://127.0.0.1:${port}/')).text()`, { answer: 'hello' }],
    [
      'fetch with a Request',
      `return (await fetch(new Request('http://127.0.0.1:${port}/'))).text()`,
      { answer: 'hello' },
    ],
    [
      'context.http.fetch',
      `return (await context.http.fetch('http://localhost:${port}/')).text()`,
      { answer: 'hello' },
    ],
    ['http.get', `return said(require('http').get('http://127.0.0.1:${port}/'), 'response')`, { answer: 'response' }],
    [
      'http.request',
      `return said(early.http.request({ host: 'localhost', port: ${port}, path: '/x', agent: false }).end(), 'response')`,
      { answer: 'response' },
    ],
    [
      'https.get',
      `return said(require('node:https').get('https://127.0.0.1:${port}/'), 'response')`,
      { code: 'EPROTO' },
    ],
    [
      'http2.connect',
      `const session = require('http2').connect('http://127.0.0.1:${port}'); return said(session, 'connect')`,
      { answer: 'connect' },
    ],
    ['net.connect', `return said(require('net').connect(${port}, '127.0.0.1'), 'connect')`, { answer: 'connect' }],
    ['net.connect kept early', `return said(early.connect({ port: ${port} }), 'connect')`, { answer: 'connect' }],
    [
      'net.createConnection',
      `return said(require('net').createConnection({ port: ${port}, host: 'localhost' }), 'connect')`,
      { answer: 'connect' },
    ],
    [
      'Socket.connect',
      `return said(new (require('net').Socket)().connect(${port}, '127.0.0.1'), 'connect')`,
      { answer: 'connect' },
    ],
    [
      'an imported connect',
      `const { connect } = await import('node:net'); return said(connect(${port}, '127.0.0.1'), 'connect')`,
      { answer: 'connect' },
    ],
    [
      'process.getBuiltinModule',
      `return said(process.getBuiltinModule('net').connect(${port}, '127.0.0.1'), 'connect')`,
      { answer: 'connect' },
    ],
    [
      'tls.connect',
      `return said(require('tls').connect(${port}, '127.0.0.1'), 'secureConnect')`,
      { code: expect.stringMatching(/SSL|EPROTO/) },
    ],
    [
      'WebSocket',
      `return new Promise((resolve, reject) => { const s = new WebSocket('ws://127.0.0.1:${port}/'); s.onopen = () => resolve('open'); s.onerror = (event) => reject(event.error ?? event); })`,
      { answer: 'open' },
    ],
  ];
  const elsewhere: [way: string, code: string][] = [
    [
      'dns.lookup',
      `return new Promise((resolve, reject) => require('dns').lookup('localhost', (error, address) => error ? reject(error) : resolve(address)))`,
    ],
    ['dns.lookup kept early', `return require('util').promisify(early.lookup)('localhost')`],
    ['dns.promises.lookup', `return require('dns').promises.lookup('localhost')`],
    ['dns/promises', `return require('node:dns/promises').resolve4('localhost')`],
    ['an imported resolve', `const { resolve } = await import('node:dns/promises'); return resolve('localhost')`],
    [
      'a Resolver',
      `return new Promise((resolve, reject) => new (require('dns').Resolver)().resolve4('localhost', (error, found) => error ? reject(error) : resolve(found)))`,
    ],
    ['a Resolver of promises', `return new (require('dns/promises').Resolver)().resolveMx('localhost')`],
    ['dns.reverse', `return require('dns/promises').reverse('127.0.0.1')`],
    ['dns.setServers', `return require('dns').setServers(['8.8.8.8'])`],
    ['a UDP socket', `return said(require('dgram').createSocket('udp4').bind(0), 'listening')`],
    [
      'a datagram',
      `return new Promise((resolve, reject) => require('dgram').createSocket('udp4').send('x', 9, '127.0.0.1', (error) => error ? reject(error) : resolve()))`,
    ],
    ['a server', `return said(require('net').createServer().listen(0), 'listening')`],
    ['an HTTP server', `return said(require('http').createServer().listen(0), 'listening')`],
  ];

  test('nothing leaves a plugin without http:outbound, whichever way it takes; the error names the permission', async () => {
    for (const [way, code] of [...ways(allowed.port), ...elsewhere]) {
      const denied = {
        name: 'PermissionDeniedError',
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('http:outbound'),
      };
      expect([way, await mayNot(code)]).toEqual([way, denied]);
    }
    expect(allowed.seen).toEqual([]);
    expect(allowed.connections()).toBe(0);
  });

  test('nor one that replaces what its permissions could be looked up with', async () => {
    const tried = await mayNot(
      `const has = Set.prototype.has; Set.prototype.has = () => true; try { return await said(require('net').connect(${allowed.port}, '127.0.0.1'), 'connect'); } finally { Set.prototype.has = has; }`,
    );
    expect(tried).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(allowed.connections()).toBe(0);
  });

  test('with it a plugin reaches what the operator allows', async () => {
    for (const [way, code, reached] of ways(allowed.port)) {
      expect([way, await may(code)]).toEqual([way, expect.objectContaining(reached as object)]);
    }
    expect(await may(`return require('dns').promises.lookup('localhost', { family: 4 })`)).toMatchObject({
      answer: { address: '127.0.0.1' },
    });
    expect(await may(`return said(require('net').createServer().listen(0), 'listening')`)).toEqual({
      answer: 'listening',
    });
  });

  test('with it a plugin does not reach this machine nor its neighbours', async () => {
    for (const [way, code] of ways(other.port).filter(([way]) => way !== 'WebSocket')) {
      expect([way, await may(code)]).toEqual([way, expect.objectContaining({ code: 'EGRESS_REFUSED' })]);
    }
    // The error event of a WebSocket says nothing, as browsers want it; the plugin's log does.
    const webSocket = `return new Promise((resolve) => { const s = new WebSocket('ws://127.0.0.3:${other.port}/'); s.onopen = () => resolve('open'); s.onerror = () => resolve('failed'); })`;
    expect(await may(webSocket)).toEqual({ answer: 'failed' });
    await eventually(() => expect(runner.lines.filter((line) => line.includes('127.0.0.3 at port'))).toHaveLength(1));
    const spellings = [
      'localhost',
      '127.1',
      '0x7f.1',
      '2130706433',
      '0177.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '[::]',
    ];
    const inside = ['169.254.169.254', '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '[fd00::1]', '[fe80::1]'];
    for (const host of [...spellings, ...inside]) {
      const tried = await may(`return (await fetch('http://${host}:${other.port}/')).text()`);
      expect([host, tried]).toEqual([
        host,
        expect.objectContaining({ name: 'EgressRefusedError', code: 'EGRESS_REFUSED' }),
      ]);
    }
    for (const host of ['127.1', '0x7f.1', '2130706433', '::ffff:127.0.0.1', '::1%lo']) {
      const tried = await may(`return said(require('net').connect(${other.port}, '${host}'), 'connect')`);
      expect([host, tried.answer]).toEqual([host, undefined]);
    }
    expect(other.connections()).toBe(0);
  });

  test.each([
    [
      'a redirect',
      (port: number, away: number) =>
        `return (await fetch('http://127.0.0.1:${port}/to/${encodeURIComponent(`http://127.0.0.1:${away}/`)}')).text()`,
    ],
    [
      'a lookup of its own',
      (_port: number, away: number) =>
        `return said(require('net').connect({ host: 'example.com', port: ${away}, lookup: (host, options, done) => options.all ? done(null, [{ address: '8.8.8.8', family: 4 }, { address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) }), 'connect')`,
    ],
    [
      'an agent with a lookup of its own',
      (_port: number, away: number) =>
        `const agent = new (require('http').Agent)({ lookup: (host, options, done) => options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) }); return said(require('http').get({ agent, host: 'example.com', port: ${away} }), 'response')`,
    ],
    [
      'a host that changes when it is read again',
      (_port: number, away: number) =>
        `let asked = 0; return said(require('net').connect({ port: ${away}, get host() { return asked++ ? '127.0.0.1' : '8.8.8.8.invalid'; } }), 'connect')`,
    ],
    ['a Unix socket', () => `return said(require('net').connect('/var/run/docker.sock'), 'connect')`],
    [
      'a Unix socket by http',
      () => `return said(require('http').get({ socketPath: '/var/run/docker.sock', path: '/' }), 'response')`,
    ],
    [
      'a server on a Unix socket',
      () => `return said(require('net').createServer().listen('/tmp/plugin.sock'), 'listening')`,
    ],
    ['a name server of this machine', () => `new (require('dns').Resolver)().setServers(['127.0.0.1:5353'])`],
    ['a name server with promises', () => `require('dns/promises').setServers(['[::1]:53'])`],
    [
      'a datagram',
      (_port: number, away: number) =>
        `return new Promise((resolve, reject) => require('dgram').createSocket('udp4').send('x', ${away}, 'localhost', (error) => error ? reject(error) : resolve('sent')))`,
    ],
    [
      'a datagram to nowhere in particular',
      (_port: number, away: number) =>
        `return said(require('dgram').createSocket('udp4').on('listening', function () { this.send('x', ${away}); }).bind(0), 'message')`,
    ],
    [
      'a connected UDP socket',
      (_port: number, away: number) =>
        `const socket = require('dgram').createSocket('udp4'); socket.connect(${away}, '127.0.0.1'); return said(socket, 'connect')`,
    ],
    [
      'a lookup whose answer changes when it is read again',
      (_port: number, away: number) =>
        `let asked = 0; const found = { family: 4, get address() { return asked++ ? '127.0.0.1' : '127.0.0.9'; } }; return said(require('net').connect({ host: 'getter.example', port: ${away}, lookup: (host, options, done) => done(null, [found]) }), 'connect')`,
    ],
    [
      'a lookup whose answer changes while it is checked',
      (_port: number, away: number) =>
        `const found = [{ address: '127.0.0.9', family: 4 }]; found.map = (...args) => { const copy = Array.prototype.map.apply(found, args); found[0].address = '127.0.0.1'; return copy; }; return said(require('net').connect({ host: 'map.example', port: ${away}, lookup: (host, options, done) => done(null, found) }), 'connect')`,
    ],
    [
      'a lookup that answers for a name the operator allows',
      (port: number) =>
        `return said(require('net').connect({ host: 'named.example', port: ${port}, lookup: (host, options, done) => done(null, [{ address: '127.0.0.2', family: 4 }]) }), 'connect')`,
    ],
    [
      'a UDP socket with a lookup of its own',
      (_port: number, away: number) =>
        `const lookup = (host, options, done) => done(null, '127.0.0.1', 4); return new Promise((resolve, reject) => require('dgram').createSocket({ type: 'udp4', lookup }).send('x', ${away}, '127.0.0.9', (error) => error ? reject(error) : resolve('sent')))`,
    ],
    [
      "a handle of Node's own",
      (_port: number, away: number) =>
        `${HANDLES} const handle = new TCP(0); const request = new Request(); const failed = handle.connect(request, '127.0.0.1', ${away}); if (failed) throw Object.assign(new Error(), { code: 'E' + failed }); return 'connecting'`,
    ],
    [
      "a UDP handle of Node's own",
      (_port: number, away: number) =>
        `const socket = require('dgram').createSocket('udp4'); const state = socket[Object.getOwnPropertySymbols(socket).find((each) => each.description === 'state symbol')]; const failed = state.handle.connect('127.0.0.1', ${away}); if (failed) throw Object.assign(new Error(), { code: 'E' + failed }); return 'connected'`,
    ],
    [
      "a pipe of Node's own",
      () =>
        `${HANDLES} const Pipe = process.stdout._handle.constructor; const failed = new Pipe(0).connect(new Request(), '/var/run/docker.sock'); if (failed) throw Object.assign(new Error(), { code: 'E' + failed }); return 'connecting'`,
    ],
    ...REPLACED.map(([what, how]) => [
      what,
      (_port: number, away: number) =>
        `const done = []; const put = (target, name, value) => { const was = Object.getOwnPropertyDescriptor(target, name); done.push(() => Object.defineProperty(target, name, was)); target[name] = value; };
         ${how}
         try { return await Promise.race([said(require('net').connect({ host: 'localhost', port: ${away} }), 'connect'), said(require('net').connect(${away}, '127.0.0.1'), 'connect')]); }
         finally { while (done.length) done.pop()(); }`,
    ]),
  ] as [string, (port: number, away: number) => string][])('%s opens no other way', async (_what, code) => {
    const tried = await may(code(allowed.port, other.port));
    if (tried.code !== 'ENOTFOUND') {
      expect([tried.answer, tried.code]).toEqual([
        undefined,
        expect.stringMatching(/^(EGRESS_REFUSED|EACCES|ECONNREFUSED|E-13)$/),
      ]);
    }
    expect(other.connections()).toBe(0);
  });

  test('datagrams reach a range that the operator allows, by address, by name and connected', async () => {
    const { port } = udp.address();
    const sent = (how: string) =>
      `const socket = require('dgram').createSocket('udp4'); const done = (error) => error ? reject(error) : resolve('sent'); ${how}`;
    for (const how of [
      `socket.send('address', ${port}, '127.0.0.1', done)`,
      `socket.send(Buffer.from('xnamex'), 1, 4, ${port}, 'localhost', done)`,
      `socket.connect(${port}, '127.0.0.1', () => socket.send('connected', done))`,
    ]) {
      expect(await may(`return new Promise((resolve, reject) => { ${sent(how)} })`)).toEqual({ answer: 'sent' });
    }
    await eventually(() => expect(heard).toEqual(['address', 'name', 'connected']));
  });

  test('what is taken away counts at once, and what is given too', async () => {
    const code = `return (await fetch('http://127.0.0.1:${allowed.port}/live')).text()`;
    const installation = await room.enabled({ tenant: 'live', code: TRIER, granted: ['http:outbound'] });
    const granting = (granted: string[]) =>
      room.settle({ ...installation, granted, generation: room.nextGeneration() } as unknown as Installation);
    const pidNow = async () => (await runner.get('live', '/api/plugins/recorder/alive')).body.pid;
    const first = await pidNow();
    expect(await attempt(runner, 'live', code)).toEqual({ answer: 'hello' });
    await granting([]);
    await eventually(async () =>
      expect(await attempt(runner, 'live', code)).toMatchObject({ code: 'PERMISSION_DENIED' }),
    );
    // Connections that are open end with their process; a grant needs no other.
    await eventually(async () => expect(await pidNow()).not.toBe(first));
    const second = await pidNow();
    await granting(['http:outbound']);
    await eventually(async () => expect(await attempt(runner, 'live', code)).toEqual({ answer: 'hello' }));
    expect(await pidNow()).toBe(second);
  });

  test('a denial that nobody catches is logged and ends nothing', async () => {
    const { pid } = (await runner.get('may-not', '/api/plugins/recorder/alive')).body;
    await mayNot(
      `setTimeout(() => require('net').connect(1, 'uncaught.example')); Promise.reject(await fetch('http://rejected.example').catch((error) => error));`,
    );
    const told = (what: string) => runner.lines.filter((line) => line.includes(what) && line.includes('http:outbound'));
    await eventually(() => expect(told('uncaught.example')).not.toEqual([]));
    for (let times = 0; times < 20; times += 1) await mayNot(`return fetch('http://again.example/')`);
    await eventually(() => expect(told('Fetching again.example')).toHaveLength(1));
    expect((await runner.get('may-not', '/api/plugins/recorder/alive')).body).toEqual({ pid });
  });
});
