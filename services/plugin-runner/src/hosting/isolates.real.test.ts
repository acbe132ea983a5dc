import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { isAlive } from '../testing/runner-process.ts';

const INSTALLED = { state: 'installed', desired: 'disabled' } as const;

describe('isolates', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let failures: HeardFailure[];
  /** Who asks here waits until the test lets it go on. */
  const waiting = new Map<string, () => void>();
  const gate = createServer((req, res) => void waiting.set(req.url ?? '', () => res.end()));
  const gatePort = () => (gate.address() as AddressInfo).port;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
    runner = await room.startRunner({ HANDLER_LIMIT_MS: '1200', PLUGIN_EGRESS_ALLOW: `127.0.0.1:${gatePort()}` });
    failures = await heardFailures(room.broker);
    await room.enabled({ tenant: 'calm', code: recorder() });
  });
  afterAll(async () => {
    await room.close();
    gate.close();
  });

  const failuresOf = (tenant: string) => failures.filter((failure) => failure.tenant === tenant);
  const isolateOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant);

  /** The plugin has taken away what would report its errors, so that Node itself ends the process. */
  const UNHEARD = `process.removeAllListeners('uncaughtException'); setTimeout(() => { throw new Error('unheard'); });`;

  test.each([
    ['exits', `${UNHEARD} await new Promise(() => undefined)`, 'exit', 'exit code 1'],
    [
      'exits-twice',
      `${UNHEARD} process.on('uncaughtException', () => { throw 1; }); await new Promise(() => undefined)`,
      'exit',
      'exit code 7',
    ],
    ['disconnects', `require('node:fs').closeSync(3)`, 'signal', 'SIGKILL'],
    ['loops', `for (;;);`, 'hang', 'busy'],
    [
      'rejects',
      `Promise.reject(new Error('left alone')); await new Promise((r) => setTimeout(r, 500))`,
      'unhandled',
      'left alone',
    ],
    [
      'throws-later',
      `setTimeout(() => { throw new Error('later'); }); await new Promise((r) => setTimeout(r, 500))`,
      'unhandled',
      'later',
    ],
    ['eats', `const kept = []; for (;;) kept.push(new Array(100_000).fill(kept.length))`, 'memory', 'memory'],
  ])('a plugin that %s is ended and reported once', async (tenant, before, reason, message) => {
    await room.enabled({ tenant, code: recorder({ before: `if (payload.riskId === 13) { ${before} }` }) });
    const pid = (await isolateOf(tenant))?.pid as number;
    await room.emitRisk(tenant, 13);
    await room.emitRisk('calm', 1);
    await eventually(() => expect(failuresOf(tenant)).toHaveLength(1));
    expect(failuresOf(tenant)[0]).toMatchObject({ reason, message: expect.stringContaining(message) });
    if (reason === 'unhandled') expect(failuresOf(tenant)[0]?.stack).toContain('index.js');
    await eventually(() => expect(isAlive(pid)).toBe(false));
    expect((await runner.get(tenant, '/api/plugins/recorder/seen')).status).toBe(404);
    expect((await runner.get('calm', '/api/plugins/recorder/seen')).status).toBe(200);
  });

  test('the state of one says whether it starts, runs, leaves or has left', async () => {
    const code = `
      const pass = async (where) => { await fetch('http://127.0.0.1:${gatePort()}/' + where); };
      await pass('load');
      export default { onUnload: () => pass('unload') };`;
    const granted = ['http:outbound'];
    const installation = await room.install({ tenant: 'states', code: { 'index.mjs': code }, granted });
    const metrics = async () => (await fetch(`${runner.url}/metrics`)).text();
    const letGo = async (where: string) => {
      await eventually(() => expect([...waiting.keys()]).toContain(where));
      const seen = await isolateOf('states');
      const counted = new RegExp(`runner_isolates\\{state="${seen?.state}",.*\\} [1-9]`);
      await eventually(async () => expect(await metrics()).toMatch(counted));
      waiting.get(where)?.();
      return seen;
    };
    const loaded = room.stepDone(installation, 'onLoad', INSTALLED);
    const starting = await letGo('/load');
    await loaded;
    const running = await isolateOf('states');
    const unloaded = room.stepDone(installation, 'onUnload', INSTALLED);
    const stopping = await letGo('/unload');
    await unloaded;
    const pid = expect.any(Number) as unknown as number;
    expect([starting, running, stopping, await isolateOf('states')]).toMatchObject([
      { state: 'starting', stage: 'none', pid },
      { state: 'running', stage: 'loaded', pid },
      { state: 'stopping', stage: 'loaded', pid },
      { state: 'stopped', stage: 'none', pid: null },
    ]);
    expect(new Set([starting?.pid, running?.pid, stopping?.pid]).size).toBe(1);
  });

  test.each(['SIGABRT', 'SIGTERM'] as const)('an isolate that %s ended is reported once', async (signal) => {
    const tenant = signal.toLowerCase();
    await room.enabled({ tenant, code: recorder() });
    process.kill((await isolateOf(tenant))?.pid as number, signal);
    await eventually(() => expect(failuresOf(tenant)).toHaveLength(1));
    expect(failuresOf(tenant)[0]).toMatchObject({ reason: 'signal', message: expect.stringContaining(signal) });
  });

  test('a plugin may say anything over its channel and print as much as it likes', async () => {
    const before = `
      for (const said of [null, 1, 'x', {}, { kind: 'log' }, { kind: 'log', level: 'fatal', message: 'x' }, { kind: 'surface', surface: null },
        { kind: 'surface', surface: { events: 'all' } }, { kind: 'call', id: 9001, call: 'constructor', request: [] }, { kind: 'unhandled' },
        { kind: 'call', id: 9002, call: 'metadata.set', request: null }, { kind: 'call', id: 9003, call: 'metadata.set', request: ['a', 1, null] },
        { kind: 'answer', id: 'x' }, { kind: 'answer', id: 999999, error: 5 }]) {
        const body = require('node:v8').serialize(said);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(body.length);
        require('node:fs').writeSync(3, Buffer.concat([length, body]));
      }
      process.stdout.write('x'.repeat(3_000_000));
      for (let line = 0; line < 5_000; line += 1) console.log('line', line);
      process.stderr.write('\\u0000\\n');`;
    await room.enabled({ tenant: 'noisy', code: recorder({ before }) });
    await room.emitRisk('noisy', 1);
    await room.emitRisk('noisy', 2);
    const seen = async () => (await runner.get('noisy', '/api/plugins/recorder/seen')).body.seen;
    await eventually(async () => expect(await seen()).toEqual([1, 2]));
    expect(failuresOf('noisy')).toEqual([]);
    expect((await runner.get('calm', '/api/plugins/recorder/seen')).status).toBe(200);
  });

  test('a handler that never answers is given up, and the next event goes on', async () => {
    const before = `if (payload.riskId === 1) await new Promise(() => undefined);`;
    await room.enabled({ tenant: 'never', code: recorder({ before }) });
    await room.emitRisk('never', 1);
    await room.emitRisk('never', 2);
    const seen = async () => (await runner.get('never', '/api/plugins/recorder/seen')).body.seen;
    await eventually(async () => expect(await seen()).toEqual([2]));
    expect(failuresOf('never')).toEqual([]);
  });

  test.each([
    ['at the top of its module', `require('node:fs').closeSync(3); module.exports = {};`, 'onInstall'],
    ['while it loops at the top of a hook', `module.exports = { onInstall() { for (;;); } };`, 'onInstall'],
    [
      'in a hook',
      `module.exports = { onLoad() { require('node:fs').closeSync(3); return new Promise(() => undefined); } };`,
      'onLoad',
    ],
    [
      'after a hook threw something odd',
      `module.exports = { onInstall() { throw Object.create(null); } };`,
      'onInstall',
    ],
  ] as const)('a plugin that ends %s fails that step and leaves no process', async (_where, code, hook) => {
    const before = (await runner.childPids()).length;
    const installation = await room.install({ tenant: 'breaks', code });
    const { outcome } = await room.step(installation, hook, INSTALLED);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: expect.stringMatching(/HOOK_FAILED|LOAD_FAILED/) },
    });
    await eventually(async () => expect((await runner.childPids()).length).toBe(before));
  });

  const READS = `const { readFileSync } = require('node:fs'); const { join } = require('node:path');`;
  test.each([
    ['module.exports', { 'index.js': `module.exports = { onLoad() {} };` }],
    ['exports.plugin', { 'index.js': `exports.plugin = { onLoad() {} };` }],
    ['export default in index.js', { 'index.js': `export default { onLoad() {} };` }],
    [
      'export default in index.mjs',
      { 'index.mjs': `import { join } from 'node:path'; export default { onLoad() { join('a'); } };` },
    ],
    [
      'a transpiled default',
      {
        'index.js': `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { onLoad() {} };`,
      },
    ],
    ['no code at all', {}],
    [
      'its own files read',
      {
        'index.js': `${READS} module.exports = { onLoad() { if (readFileSync(join(__dirname, 'a/b.txt'), 'utf8') !== 'hi') throw 1; } };`,
        'a/b.txt': 'hi',
      },
    ],
    [
      'a module of its own',
      {
        'index.js': `module.exports = require('./lib/plugin.js');`,
        'lib/plugin.js': `module.exports = { onLoad() {} };`,
      },
    ],
    [
      'a fitting manifest',
      { 'index.js': `module.exports = { manifest: { id: 'recorder', version: '1.0' }, onLoad() {} };` },
    ],
  ])('a plugin with %s is loaded', async (_shape, files) => {
    const installation = await room.install({ tenant: 'shapes', code: files });
    const { outcome } = await room.step(installation, 'onLoad', INSTALLED);
    expect(outcome).toMatchObject({ kind: 'done' });
    await room.forget(installation);
  });

  test.each([
    ['the manifest of another plugin', `module.exports = { manifest: { id: 'other' } };`, 'manifest of other'],
    [
      'the manifest of another version',
      `module.exports = { manifest: { id: 'recorder', version: '2.0.0' } };`,
      '2.0.0',
    ],
    ['no plugin', `module.exports = 5;`, 'exports no plugin'],
  ])('a plugin with %s is refused', async (_what, code, message) => {
    const installation = await room.install({ tenant: 'refused', code });
    const { outcome } = await room.step(installation, 'onInstall', INSTALLED);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: {
        code: expect.stringMatching(/PLUGIN_LOAD_FAILED|PERMISSION_DENIED/),
        message: expect.stringContaining(message),
      },
    });
    await room.forget(installation);
  });

  test('every isolate has one private folder, and a stopped runner leaves none', async () => {
    const folders = async () => {
      const roots = (await readdir(room.scratch)).filter((name) => name.startsWith('run-'));
      return (await Promise.all(roots.map((root) => readdir(join(room.scratch, root))))).flat();
    };
    const running = (await runner.isolates()).filter(({ pid }) => pid !== null);
    await eventually(async () => expect(await folders()).toHaveLength(running.length));
    const pids = running.map(({ pid }) => pid as number);
    expect(await runner.stop('SIGTERM')).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await folders()).toEqual([]);
  });
});
