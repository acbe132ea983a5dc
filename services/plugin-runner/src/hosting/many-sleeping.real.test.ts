import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionOf } from '@verifywise/contracts';
import { readFile } from 'node:fs/promises';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { PARTITIONS } from '../testing/runner-process.ts';

const PLUGINS = 2_000;
const MORE_MEMORY_AT_MOST_MB = 60;

let room: RunnerRoom;
beforeAll(async () => {
  room = await RunnerRoom.open();
});
afterAll(() => room.close());

const residentMb = async (runner: RunnerProcess) =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${runner.child.pid}/status`, 'utf8'))?.[1]) / 1024;

test(`${PLUGINS} plugins that sleep cost no process and little memory, and any of them wakes`, async () => {
  const awake = await room.startRunner({ RUNNER_IDLE_STOP_MINUTES: '0.005' });
  const first = await room.enabled({ tenant: 'many-0', code: recorder() });
  await eventually(async () => expect(await awake.isolates()).toMatchObject([{ sleeping: true }]));
  const empty = await residentMb(awake);
  await awake.stop('SIGTERM');
  // Asleep since another runner hosted them.
  const tenants = Array.from({ length: PLUGINS - 1 }, (_nothing, index) => `many-${index + 1}`);
  for (const tenant of tenants) room.truth.set(`${tenant}/recorder`, { ...first, tenant });
  await room.rows(
    `INSERT INTO plugin_runner.installations (tenant, plugin_id, partition, generation, installation)
     SELECT tenant, 'recorder', partition, $3, $4::jsonb || jsonb_build_object('tenant', tenant)
       FROM unnest($1::text[], $2::int[]) AS t (tenant, partition)`,
    [tenants, tenants.map((tenant) => partitionOf(tenant, PARTITIONS)), first.generation, JSON.stringify(first)],
  );
  await room.rows(
    `INSERT INTO plugin_runner.surfaces (tenant, plugin_id, version, generation, surface, asleep)
     SELECT t.tenant, plugin_id, version, generation, surface, true FROM plugin_runner.surfaces, unnest($1::text[]) AS t (tenant)`,
    [tenants],
  );
  const runner = await room.startRunner({ RUNNER_IDLE_STOP_MINUTES: '1' });
  await eventually(async () =>
    expect((await runner.isolates()).filter(({ sleeping }) => sleeping)).toHaveLength(PLUGINS),
  );
  expect(await runner.childPids()).toEqual([]);
  expect((await residentMb(runner)) - empty).toBeLessThan(MORE_MEMORY_AT_MOST_MB);
  await room.emitRisk('many-1234', 1);
  await eventually(async () =>
    expect((await runner.get('many-1234', '/api/plugins/recorder/seen')).body).toMatchObject({
      seen: [1],
      tenant: 'many-1234',
    }),
  );
  expect(await runner.childPids()).toHaveLength(1);
});
