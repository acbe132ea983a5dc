import { afterAll, beforeAll, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { InstallerRoom } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

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

test('packages that no tenant has or could go back to are removed when nobody has asked for them for long', async () => {
  const acme = await room.tenant();
  const publish = (id: string, version: string) => room.registry.publish(pluginArchive({ id, version }));
  const stored = async () => {
    const rows = await room.rows(
      `SELECT manifest->>'id' || ' ' || (manifest->>'version') AS name FROM installer.packages ORDER BY name`,
    );
    return rows.map(({ name }) => name);
  };
  for (const id of ['kept', 'left', 'asked-for']) {
    publish(id, '1.0.0');
    await acme.call('POST', '/install', { id });
  }
  publish('kept', '2.0.0');
  await acme.call('POST', '/kept/update');
  await acme.upload(pluginArchive({ id: 'left', version: '0.9.0' }).bytes);
  for (const id of ['left', 'asked-for']) await acme.call('POST', `/${id}/uninstall`);
  const all = ['asked-for 1.0.0', 'kept 1.0.0', 'kept 2.0.0', 'left 0.9.0', 'left 1.0.0'];
  expect(await stored()).toEqual(all);
  await room.rows(`UPDATE installer.packages SET wanted_at = now() - interval '31 days'`);
  await acme.call('POST', '/install', { id: 'asked-for' });
  await acme.call('POST', '/asked-for/uninstall');
  await (await room.startInstaller({ PACKAGES_KEPT_DAYS: '30' })).stop();
  const kept = ['asked-for 1.0.0', 'kept 1.0.0', 'kept 2.0.0'];
  expect(await stored()).toEqual(kept);
  expect(await room.rows('SELECT DISTINCT digest FROM installer.package_pieces')).toHaveLength(kept.length);
  expect((await acme.call('POST', '/kept/rollback')).body.data).toMatchObject({ version: '1.0.0' });
  expect((await acme.call('POST', '/install', { id: 'left' })).body.data).toMatchObject({ version: '1.0.0' });
  // What is in use is looked for again only when as many days have passed.
  expect(await room.rows(`SELECT 1 FROM installer.packages WHERE wanted_at < now() - interval '1 day'`)).toEqual([]);
});
