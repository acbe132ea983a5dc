import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { partitionOf } from '@verifywise/contracts';
import { inPostgres } from '../../../../infra/local/src/backing/handshakes.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { startPrivateBroker } from '../../../../test/support/private-broker.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { PARTITIONS, isAlive } from '../testing/runner-process.ts';
import { assign } from './rendezvous.ts';

interface Heard {
  risk: number;
  id: string;
}

const TENANTS = ['t1', 't2', 't3', 't4', 't5', 't6'];
/** It may take two minutes; handing over waits a quarter of a minute for it. */
const LONG_BEFORE_THE_HOOK_IS_GIVEN_UP = { within: 40_000 };
const SLOWLY = recorder({ before: 'await new Promise((r) => setTimeout(r, 5));' });

describe('handing tenants over', () => {
  let room: RunnerRoom;
  beforeEach(async () => (room = await RunnerRoom.open()));
  afterEach(() => room.close());

  async function heard(runner: RunnerProcess, tenant: string): Promise<Heard[]> {
    const { body } = await runner.get(tenant, '/api/plugins/recorder/seen');
    return (body.heard ?? []) as Heard[];
  }

  const enableAll = (code: string) => Promise.all(TENANTS.map((tenant) => room.enabled({ tenant, code })));

  async function emitMany(tenant: string, count: number, from = 1): Promise<string[]> {
    const ids: string[] = [];
    for (let risk = from; risk < from + count; risk += 1) ids.push(await room.emitRisk(tenant, risk));
    return ids;
  }

  test('stopped under load, a runner finishes what has begun: every event is handled once, in order', async () => {
    const [first, second] = [await room.startRunner(), await room.startRunner()];
    await enableAll(SLOWLY);
    const emitting = Promise.all(TENANTS.map((tenant) => emitMany(tenant, 40)));
    await eventually(async () => expect((await heard(second, 't1')).length).toBeGreaterThan(3));
    const stopping = first.stop('SIGTERM');
    const emitted = await emitting;
    expect(await stopping).toBe(0);
    for (const [index, tenant] of TENANTS.entries()) {
      const all = emitted[index];
      await eventually(async () => expect((await heard(second, tenant)).map(({ id }) => id)).toEqual(all));
    }
    // One that comes takes its share over, in the same way.
    const third = await room.startRunner();
    const more = await Promise.all(TENANTS.map((tenant) => emitMany(tenant, 20, 41)));
    for (const [index, tenant] of TENANTS.entries()) {
      const all = [...(emitted[index] ?? []), ...(more[index] ?? [])];
      await eventually(async () => expect((await heard(third, tenant)).map(({ id }) => id)).toEqual(all));
    }
  });

  test('killed, a runner repeats at most what was in flight, and its isolates are gone, one that loops too', async () => {
    const [first, second] = [await room.startRunner({ ISOLATE_HANG_LIMIT_MS: '60000' }), await room.startRunner()];
    await enableAll(SLOWLY);
    await room.enabled({ tenant: 'looping', code: recorder({ before: 'for (;;);' }) });
    const emitting = Promise.all(TENANTS.map((tenant) => emitMany(tenant, 40)));
    await room.emitRisk('looping', 1);
    await eventually(async () => expect((await heard(second, 't1')).length).toBeGreaterThan(3));
    const isolates = await first.childPids();
    await first.stop('SIGKILL');
    await eventually(() => expect(isolates.filter(isAlive)).toEqual([]), { within: 2_000 });
    const emitted = await emitting;
    for (const [index, tenant] of TENANTS.entries()) {
      await eventually(async () => {
        const ids = (await heard(second, tenant)).map(({ id }) => id);
        expect(new Set(ids).size).toBe(40);
        // One event is in the handler at a time; the acknowledgements of a few before it may have died with the socket.
        expect(ids.length - 40).toBeLessThanOrEqual(5);
        expect(ids.filter((id, place) => ids.indexOf(id) === place)).toEqual(emitted[index]);
      });
    }
  });

  test('a hook that does not end holds nobody up: it is cut off, and runs again where the tenant goes', async () => {
    const partition = partitionOf('hanging', PARTITIONS);
    const ids = Array.from({ length: 20 }, (_nothing, number) => `runner-${number}`);
    const [one = '', other = ''] = ids.filter((id) => assign(partition, [id, 'runner-a'])?.owner === id);
    const neighbour = ids.map((id) => `of-${id}`).find((tenant) => partitionOf(tenant, PARTITIONS) === partition) ?? '';
    const comes = assign(partition, [one, other])?.owner as string;
    await room.startRunner({ RUNNER_ID: comes === one ? other : one });
    await room.enabled({ tenant: neighbour, version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    const code = `module.exports = { async onInstall(ctx) {
      await ctx.metadata.set('system', 0, 'runs', ((await ctx.metadata.get('system', 0, 'runs')) ?? 0) + 1);
      await new Promise(() => undefined);
    } };`;
    const hanging = await room.install({ tenant: 'hanging', code });
    const runs = async () =>
      (await room.rows<{ value: number }>(`SELECT value FROM plugin_runner.metadata WHERE tenant = 'hanging'`))[0]
        ?.value;
    const told = room.send(hanging, 'onInstall', {}, { limitMs: 120_000 }).catch((error: unknown) => error);
    await eventually(async () => expect(await runs()).toBe(1));
    const second = await room.startRunner({ RUNNER_ID: comes });
    await eventually(async () => {
      const { tenant: hosted } = (await second.isolates()).find(({ tenant }) => tenant === neighbour) ?? {};
      expect(hosted).toBe(neighbour);
      expect((await second.get(neighbour, '/api/plugins/recorder/seen')).body).toMatchObject({ version: '2.0.0' });
    }, LONG_BEFORE_THE_HOOK_IS_GIVEN_UP);
    await eventually(async () => expect(await runs()).toBe(2));
    // The installer waits for its new runner, and was not told that the plugin has failed.
    expect(await room.rows(`SELECT outcome FROM plugin_runner.finished_steps WHERE tenant = 'hanging'`)).toEqual([]);
    await told;
  });

  test('a runner whose partition was taken over ends what runs here; what it had in hand is handled all the same', async () => {
    const runner = await room.startRunner();
    await room.enabled({ tenant: 't1', code: SLOWLY });
    const [before] = await runner.isolates();
    const emitted = await emitMany('t1', 30);
    // As a runner would that saw no heartbeat of ours while the database was slow; it is gone again already.
    await inPostgres(room.databaseUrl, (client) =>
      client.query(`UPDATE plugin_runner.partitions SET runner_id = 'other', epoch = epoch + 1`),
    );
    await eventually(async () => {
      const [after] = await runner.isolates();
      expect(after?.pid).not.toBe(before?.pid);
    });
    await eventually(() => expect(isAlive(before?.pid ?? 0)).toBe(false));
    await eventually(async () => {
      const ids = (await heard(runner, 't1')).map(({ id }) => id);
      expect(ids.filter((id, place) => ids.indexOf(id) === place)).toEqual(emitted);
    });
  });
});

test('a broker that restarts in the middle loses nothing, and the isolates stay', async () => {
  const broker = await startPrivateBroker();
  const room = await RunnerRoom.open({ brokerUrl: broker.url });
  try {
    const runner = await room.startRunner();
    await Promise.all(['b1', 'b2'].map((tenant) => room.enabled({ tenant, code: SLOWLY })));
    const pids = (await runner.isolates()).map(({ pid }) => pid);
    for (let risk = 1; risk <= 40; risk += 1)
      await Promise.all(['b1', 'b2'].map((tenant) => room.emitRisk(tenant, risk)));
    await broker.restart();
    expect(partitionOf('b1', PARTITIONS)).not.toBe(partitionOf('b2', PARTITIONS));
    for (const tenant of ['b1', 'b2']) {
      await eventually(
        async () => {
          const { body } = await runner.get(tenant, '/api/plugins/recorder/seen');
          expect(body.seen).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
        },
        { within: 30_000 },
      );
    }
    expect((await runner.isolates()).map(({ pid }) => pid)).toEqual(pids);
  } finally {
    await room.close();
    await broker.stop();
  }
});
