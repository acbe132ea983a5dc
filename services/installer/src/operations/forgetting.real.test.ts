import { afterAll, beforeAll, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { InstallerRoom } from '../testing/installer-room.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
}, 60_000);
afterAll(() => room.close(), 60_000);

/** An operation that nobody works on, of a plugin that has its name. */
function operation(name: string, { status, days, parent }: { status: string; days: number; parent?: string }): string {
  const finished = status === 'running' ? 'NULL' : `now() - interval '${days} days'`;
  const parentId =
    parent === undefined ? 'NULL' : `(SELECT id FROM installer.operations WHERE plugin_id = '${parent}')`;
  return `WITH made AS (
      INSERT INTO installer.operations
        (id, tenant, plugin_id, kind, input, progress, status, actor, parent_id, leased_until, created_at, finished_at)
      VALUES (gen_random_uuid(), 'acme', '${name}', 'install', '{}', '{}', '${status}', '{"userId": "7"}', ${parentId},
        now() + interval '1 hour', now() - interval '${days} days', ${finished}) RETURNING id
    ), step AS (
      INSERT INTO installer.operation_steps (operation_id, name, status, attempt, started_at)
      SELECT id, 'check', 'done', 1, now() FROM made
    )
    INSERT INTO installer.audit (tenant, plugin_id, action, actor, operation_id) SELECT 'acme', '${name}', 'install', '{}', id FROM made`;
}

async function namesIn(table: string): Promise<unknown[]> {
  const rows = await room.rows(`SELECT plugin_id FROM installer.${table} WHERE tenant = 'acme' ORDER BY plugin_id`);
  return rows.map(({ plugin_id: name }) => name);
}

test('what has finished so long ago is removed with its steps, what has not finished never, and the audit log stays', async () => {
  const made = [
    operation('done-long-ago', { status: 'succeeded', days: 31 }),
    operation('failed-long-ago', { status: 'failed', days: 31 }),
    operation('done-lately', { status: 'succeeded', days: 29 }),
    operation('runs-for-long', { status: 'running', days: 400 }),
    operation('of-what-runs', { status: 'succeeded', days: 399, parent: 'runs-for-long' }),
  ];
  for (const statement of made) await room.rows(statement);
  const before = await namesIn('audit');
  await room.startInstaller({ OPERATIONS_KEPT_DAYS: '30' });
  const kept = ['done-lately', 'of-what-runs', 'runs-for-long'];
  await eventually(async () => expect(await namesIn('operations')).toEqual(kept));
  expect(await room.rows('SELECT 1 FROM installer.operation_steps')).toHaveLength(kept.length);
  expect(await namesIn('audit')).toEqual(before);
});

test('of one tenant the newest ten thousand stay, however young the others are', async () => {
  await room.rows(`INSERT INTO installer.operations
      (id, tenant, plugin_id, kind, input, progress, status, actor, leased_until, finished_at)
    SELECT gen_random_uuid(), tenant, 'number-' || number, 'enable', '{}', '{}', 'succeeded', '{}', now(),
      now() - number * interval '1 second'
    FROM generate_series(1, 10003) number, (VALUES ('busy'), ('busier')) tenants (tenant)`);
  await room.startInstaller();
  await eventually(async () => {
    const counts = await room.rows(`SELECT count(*)::integer AS count FROM installer.operations
      WHERE tenant LIKE 'bus%' GROUP BY tenant`);
    expect(counts).toEqual([{ count: 10_000 }, { count: 10_000 }]);
  });
  const oldest = `SELECT 1 FROM installer.operations WHERE plugin_id IN ('number-10001', 'number-10002', 'number-10003')`;
  expect(await room.rows(oldest)).toEqual([]);
});
