import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { TRIER, attempt } from '../../testing/trier.ts';

const EVERYTHING = ['http:outbound', 'filesystem:read', 'filesystem:write', 'database:write', 'events:emit'];

describe('processes and threads', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
    await room.enabled({ tenant: 'all', code: TRIER, granted: EVERYTHING });
    await room.enabled({ tenant: 'none', code: TRIER, granted: [] });
  });
  afterAll(() => room.close());

  test.each([
    ['exec', `require('child_process').exec('id')`],
    ['exec kept early', `early.exec('id', () => undefined)`],
    ['promisify(exec)', `await require('util').promisify(require('node:child_process').exec)('id')`],
    ['execSync', `require('child_process').execSync('id')`],
    ['execFile', `(await import('node:child_process')).execFile('id')`],
    ['spawn', `require('child_process').spawn('id')`],
    ['spawnSync', `require('child_process').spawnSync('id')`],
    ['fork', `require('child_process').fork(__dirname + '/index.js')`],
    ['ChildProcess', `new (require('child_process').ChildProcess)().spawn({ file: 'id', args: ['id'] })`],
    ['Worker', `new (require('worker_threads').Worker)('1', { eval: true })`],
    [
      'class of Worker',
      `const { Worker } = require('node:worker_threads'); new (class extends Worker {})('1', { eval: true })`,
    ],
    ['imported Worker', `const { Worker } = await import('worker_threads'); new Worker('1', { eval: true })`],
    ['cluster.fork', `require('cluster').fork()`],
    ['process.exit', `process.exit(0)`],
    ['process.exit kept early', `early.exit(0)`],
    ['imported exit', `(await import('node:process')).exit(0)`],
    ['process.reallyExit', `process.reallyExit(0)`],
    ['process.abort', `process.abort()`],
    ['process.kill', `process.kill(process.pid)`],
    ['process.kill of the runner', `process.kill(process.ppid, 'SIGKILL')`],
    ['process._kill of the runner', `process._kill(process.ppid, 9)`],
    ['process.execve', `process.execve('/bin/sh', ['sh'])`],
    ['process.dlopen', `process.dlopen({ exports: {} }, '/tmp/x.node')`],
    ['process.binding', `process.binding('tcp_wrap')`],
    ['process.chdir', `process.chdir('/')`],
    ['process.setuid', `process.setuid(0)`],
    ['process._debugProcess', `process._debugProcess(process.ppid)`],
    ['v8.setFlagsFromString', `require('v8').setFlagsFromString('--expose-gc')`],
    ['os.setPriority', `require('os').setPriority(process.ppid, 19)`],
    ['WASI', `new (require('wasi').WASI)({ version: 'preview1', preopens: { '/': '/' } })`],
    ['module.register', `require('module').register('data:text/javascript,')`],
    ['sqlite', `new (require('node:sqlite').DatabaseSync)(':memory:')`],
  ])('%s is given to nobody, and ends nothing', async (_what, code) => {
    for (const tenant of ['all', 'none']) {
      const { pid } = (await runner.get(tenant, '/api/plugins/recorder/alive')).body;
      const tried = await attempt(runner, tenant, code);
      expect(tried).toEqual({
        name: 'PermissionDeniedError',
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('is never given to plugins'),
      });
      expect((await runner.get(tenant, '/api/plugins/recorder/alive')).body).toEqual({ pid });
    }
    expect(runner.child.exitCode).toBeNull();
  });

  test.each([
    ['inspector.open', `require('inspector').open(0)`],
    ['inspector.Session', `new (require('inspector').Session)().connect()`],
    ['inspector/promises', `new (require('inspector/promises').Session)().connect()`],
  ])('%s is refused by Node itself, and its refusal ends nothing', async (_what, code) => {
    for (const tenant of ['all', 'none']) {
      const { pid } = (await runner.get(tenant, '/api/plugins/recorder/alive')).body;
      expect(await attempt(runner, tenant, code)).toMatchObject({ code: 'ERR_ACCESS_DENIED' });
      await attempt(runner, tenant, `setImmediate(() => { ${code}; })`);
      expect((await runner.get(tenant, '/api/plugins/recorder/alive')).body).toEqual({ pid });
    }
  });

  test('what is harmless is left', async () => {
    const code = `
      const { promisify } = require('node:util');
      await promisify(setTimeout)(1);
      await require('timers/promises').setTimeout(1);
      for await (const _ of require('timers/promises').setInterval(1)) break;
      await new Promise((resolve) => { const timer = setTimeout(resolve, 1); timer.refresh(); });
      require('worker_threads').isMainThread;
      require('cluster').isPrimary;
      return [process.uptime() > 0, process.memoryUsage().rss > 0, setTimeout.name, setTimeout.length, fetch.name, require('fs').readFileSync.name, require('os').cpus().length > 0];`;
    expect(await attempt(runner, 'none', code)).toEqual({
      answer: [true, true, 'setTimeout', expect.any(Number), 'fetch', 'readFileSync', true],
    });
  });
});
