import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../../../infra/local/src/backing/free-port.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { Inspector } from '../testing/inspector.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const ENABLED = { state: 'enabled', desired: 'enabled' } as const;
const GRANTED = ['events:listen', 'filesystem:write', 'http:outbound'];
const ROUNDS = 200;
/** Half a minute on an idle machine, for as many processes that start. */
const ROUNDS_WITHIN_MS = 240_000;
/** What the remembered ids and compiled code of a few hundred more messages may take. */
const HEAP_GROWTH_AT_MOST = 3 * 1024 * 1024;

/** Leaves behind whatever a plugin can: timers, a server, listeners, sockets that nobody closes. */
const LEAVES_THINGS = `
const kept = [];
for (let timer = 0; timer < 20; timer += 1) setInterval(() => kept.push(timer), 1_000_000);
require('node:http').createServer().listen(0, '127.0.0.1').on('error', () => undefined);
process.on('exit', () => kept.push(1));`;

describe('a plugin that is disabled', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let inspector: Inspector;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    const port = await freePort();
    runner = await room.startRunner({ NODE_OPTIONS: `--inspect=127.0.0.1:${port}` });
    inspector = await Inspector.connect(port);
  });
  afterAll(async () => {
    inspector.close();
    await room.close();
  });

  const privateFolders = async () => {
    const own = (await readdir(room.scratch)).filter((name) => /^(run|files)-/.test(name));
    return (await Promise.all(own.map((name) => readdir(join(room.scratch, name), { recursive: true })))).flat().length;
  };
  const connections = async () =>
    (
      await room.rows<{ count: number }>(
        `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database()`,
      )
    )[0]?.count ?? 0;
  const held = async () => ({
    children: (await runner.childPids()).length,
    files: (await readdir(`/proc/${runner.child.pid}/fd`)).length,
    timers: (await inspector.activeResources()).filter((kind) => kind === 'Timeout').length,
    pipes: (await inspector.activeResources()).filter((kind) => kind === 'PipeWrap' || kind === 'ProcessWrap').length,
    folders: await privateFolders(),
    connections: await connections(),
  });

  test('runs no more: its timers, servers and sockets end with its process', async () => {
    const installation = await room.enabled({ tenant: 'ticks', code: LEAVES_THINGS + recorder(), granted: GRANTED });
    const own = async () => (await runner.isolates()).find(({ tenant }) => tenant === 'ticks');
    const before = await own();
    const disabled = await room.disable(installation);
    await eventually(async () => expect(await own()).toMatchObject({ stage: 'none', pid: null }));
    expect(await runner.childPids()).not.toContain(before?.pid);
    await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
    expect(await own()).toMatchObject({ stage: 'enabled', state: 'running' });
    expect((await own())?.pid).not.toBe(before?.pid);
  });

  test(
    `leaves nothing in its runner, ${ROUNDS} times`,
    async () => {
      const neighbour = await room.enabled({ tenant: 'stays', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
      let installation = await room.enabled({
        tenant: 'rounds',
        code: LEAVES_THINGS + recorder(),
        granted: GRANTED,
      });
      const round = async () => {
        const disabled = await room.disable(installation);
        installation = await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
      };
      for (let warmUp = 0; warmUp < 20; warmUp += 1) await round();
      const heapBefore = await inspector.heapUsed();
      const before = await held();
      for (let turn = 0; turn < ROUNDS; turn += 1) await round();
      await eventually(async () => {
        const after = await held();
        // Pools open and close connections as they like, within their size.
        expect(after).toEqual({
          ...before,
          files: expect.any(Number),
          timers: expect.any(Number),
          connections: expect.any(Number),
        });
        expect(after.files - before.files).toBeLessThanOrEqual(10);
        expect(after.timers - before.timers).toBeLessThanOrEqual(10);
        expect(after.connections - before.connections).toBeLessThanOrEqual(5);
      });
      expect((await inspector.heapUsed()) - heapBefore).toBeLessThan(HEAP_GROWTH_AT_MOST);
      await room.emitRisk('rounds', 1);
      const seen = async () => (await runner.get('rounds', '/api/plugins/recorder/seen')).body.seen;
      await eventually(async () => expect(await seen()).toEqual([1]));
      expect((await runner.get(neighbour.tenant, '/api/plugins/recorder/seen')).body).toMatchObject({
        version: '2.0.0',
      });
    },
    ROUNDS_WITHIN_MS,
  );
});
