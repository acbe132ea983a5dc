import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { partitionOf } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { PARTITIONS } from '../testing/runner-process.ts';

const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
/** A handler that ends when its test says so. */
const WAITS_FOR_GATE = `while (!(await ctx.metadata.get('gate', 0, 'open'))) await new Promise((done) => setTimeout(done, 20));`;
/** A handler that fails, and wants to be called again after a minute, until its test lets it. */
const failsUntilOpen = `
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) {
    ctx.on('risk:created', async (payload) => {
      const tried = [...((await ctx.metadata.get('log', 0, 'tried')) ?? []), payload.riskId];
      await ctx.metadata.set('log', 0, 'tried', tried);
      if (payload.riskId === 13 && tried.filter((risk) => risk === 13).length === 1) throw new Error('not yet');
    }, { retry: { attempts: 3, backoff: { type: 'fixed', delay: 4_000 } } });
  },
  routes(router) { router.get('/tried', async (req, res) => res.json({ tried: await context.metadata.get('log', 0, 'tried') })); },
};`;

describe('events that would keep others waiting', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ EVENT_PARK_AFTER_MS: '100' });
  });
  afterAll(() => room.close());

  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body.seen as number[];
  const parkedOf = async (tenant: string) =>
    (
      await room.rows<{ risk: number }>(
        `SELECT (envelope->'payload'->>'riskId')::int AS risk FROM plugin_runner.parked_events WHERE tenant = $1 ORDER BY position`,
        [tenant],
      )
    ).map(({ risk }) => risk);
  const viewOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant);
  const openGate = (tenant: string) =>
    room.rows(
      `INSERT INTO plugin_runner.metadata (tenant, plugin_id, entity_type, entity_id, key, value)
       VALUES ($1, 'recorder', 'gate', 0, 'open', 'true')`,
      [tenant],
    );
  /** Another tenant that lives on the same partition. */
  const besides = (tenant: string) => {
    const partition = partitionOf(tenant, PARTITIONS);
    for (let number = 0; ; number += 1) {
      const other = `beside-${tenant}-${number}`;
      if (partitionOf(other, PARTITIONS) === partition) return other;
    }
  };
  const risks = (count: number, from = 1) => Array.from({ length: count }, (_nothing, at) => from + at);
  const emit = async (tenant: string, numbers: number[]) => {
    for (const risk of numbers) await room.emitRisk(tenant, risk);
  };

  test('wait in the database: a plugin that hangs at one event keeps its neighbour on the partition from nothing', async () => {
    const neighbour = besides('slow');
    await room.enabled({ tenant: 'slow', version: '1.0.0', code: recorder({ before: WAITS_FOR_GATE }) });
    await room.enabled({ tenant: neighbour, version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    // More than the broker gives a partition before it is told of any that it is taken.
    await emit('slow', risks(100));
    await emit(neighbour, risks(5));
    await eventually(async () => expect(await seen(neighbour)).toEqual(risks(5)));
    expect(await seen('slow')).toEqual([]);
    await eventually(async () => expect(await parkedOf('slow')).toEqual(risks(100)));
    expect(await viewOf('slow')).toMatchObject({ waitingEvents: 100, parkedEvents: 100 });
    const metrics = await (await fetch(`${runner.url}/metrics`)).text();
    expect(metrics).toMatch(/runner_parked_events\{.*tenant="slow".*\} 100/);
    expect(await parkedOf(neighbour)).toEqual([]);
    await openGate('slow');
    await emit('slow', risks(5, 101));
    await eventually(async () => expect(await seen('slow')).toEqual(risks(105)));
    await eventually(async () => expect(await parkedOf('slow')).toEqual([]));
    expect(await viewOf('slow')).toMatchObject({ waitingEvents: 0, parkedEvents: 0, oldestEventAt: null });
  });

  test('are found by the next runner, also when the one before was killed', async () => {
    await room.enabled({ tenant: 'killed', code: recorder({ before: WAITS_FOR_GATE }) });
    await emit('killed', risks(50));
    await eventually(async () => expect(await parkedOf('killed')).toEqual(risks(50)));
    await runner.stop('SIGKILL');
    runner = await room.startRunner({ EVENT_PARK_AFTER_MS: '100' });
    await emit('killed', risks(5, 51));
    await openGate('killed');
    await eventually(async () => expect(await seen('killed')).toEqual(risks(55)));
    await eventually(async () => expect(await parkedOf('killed')).toEqual([]));
  });

  test('go with a plugin that is disabled: when it is enabled again it hears what comes then', async () => {
    const installation = await room.enabled({ tenant: 'leaves', code: recorder({ before: WAITS_FOR_GATE }) });
    await emit('leaves', risks(20));
    await eventually(async () => expect(await parkedOf('leaves')).toEqual(risks(20)));
    await openGate('leaves');
    const disabled = await room.settle(await room.stepDone(installation, 'onDisable', DISABLED));
    await eventually(async () => expect(await parkedOf('leaves')).toEqual([]));
    await room.settle(await room.stepDone(disabled, 'onEnable', { state: 'enabled', desired: 'enabled' }));
    await emit('leaves', [100]);
    await eventually(async () => expect((await seen('leaves')).at(-1)).toBe(100));
    const heard = await seen('leaves');
    expect(heard).toEqual([...risks(heard.length - 1), 100]);
  });

  test('that wait for another try hold up no hand-over, and are tried on by the next runner', async () => {
    await room.enabled({ tenant: 'tries', code: failsUntilOpen });
    const tried = async (by: RunnerProcess) => (await by.get('tries', '/api/plugins/recorder/tried')).body.tried;
    await emit('tries', [1, 13, 2]);
    await eventually(async () => expect(await tried(runner)).toEqual([1, 13]));
    await eventually(async () => expect(await parkedOf('tries')).toEqual([13, 2]));
    const next = await room.startRunner({ EVENT_PARK_AFTER_MS: '100' });
    await runner.stop('SIGTERM');
    runner = next;
    await eventually(async () => expect(await tried(runner)).toEqual([1, 13, 13, 2]));
    await eventually(async () => expect(await parkedOf('tries')).toEqual([]));
    expect(await room.rows(`SELECT 1 FROM plugin_runner.failed_deliveries WHERE tenant = 'tries'`)).toEqual([]);
  });
});
