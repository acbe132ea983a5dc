import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import '../../../test/support/patience.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { InstallerRoom, type RunningInstaller, type Tenant } from './testing/installer-room.ts';
import { pluginArchive } from './testing/plugin-archive.ts';
import { served } from './testing/served.ts';

/** Until a dead replica's operations and downloads are somebody else's. */
const GOES_ON_WITHIN = 45_000;

let room: InstallerRoom;
let replica: RunningInstaller;
let other: RunningInstaller;
let host: string;
const closers: (() => void)[] = [];
/** Downloads that have begun, and are answered when the test says so. */
let begun: ServerResponse[] = [];

beforeAll(async () => {
  room = await InstallerRoom.open();
  replica = await room.startInstaller();
  other = await room.startInstaller();
  host = await served((_req, res) => void begun.push(res), closers);
}, 60_000);
afterAll(async () => {
  await room.close();
  for (const close of closers) close();
}, 60_000);
beforeEach(() => {
  begun = [];
});

function publish(id: string): Buffer {
  const archive = pluginArchive({ id, version: '1.0.0' });
  room.registry.publish(archive, { downloadUrl: `${host}/${id}.zip` });
  return archive.bytes;
}

const tenants = (count: number) => Promise.all(Array.from({ length: count }, () => room.tenant()));
const ask = (tenant: Tenant, id: string, at: RunningInstaller) =>
  tenant.call('POST', '/install', { id }, { at, headers: { prefer: 'respond-async' } });

/** Every operation of these tenants has come to where the package is brought. */
async function atThePackage(those: Tenant[]): Promise<void> {
  await eventually(async () => {
    const steps = await room.rows(`SELECT o.tenant FROM installer.operation_steps s
      JOIN installer.operations o ON o.id = s.operation_id WHERE s.name = 'package' AND s.status = 'running'`);
    expect(steps.map(({ tenant }) => tenant)).toEqual(expect.arrayContaining(those.map(({ name }) => name)));
  });
}

const installedAt = (those: Tenant[], id: string, at: RunningInstaller) =>
  eventually(
    async () => {
      const answers = await Promise.all(those.map((tenant) => tenant.call('GET', `/${id}`, undefined, { at })));
      expect(answers.map(({ body }) => body.data.state)).toEqual(those.map(() => 'installed'));
    },
    { within: GOES_ON_WITHIN },
  );

test('tenants that install the same plugin at once, at several installers, wait for one download', async () => {
  const bytes = publish('wanted-by-all');
  const those = await tenants(10);
  for (const [index, tenant] of those.entries())
    expect((await ask(tenant, 'wanted-by-all', index % 2 === 0 ? replica : other)).status).toBe(202);
  await atThePackage(those);
  await eventually(() => expect(begun).toHaveLength(1));
  begun[0]?.end(bytes);
  await installedAt(those, 'wanted-by-all', other);
  expect(begun).toHaveLength(1);
});

test('an installer that is killed while it downloads for all is replaced by another one', async () => {
  const bytes = publish('orphaned');
  const doomed = await room.startProcess();
  const [acme, globex] = (await tenants(2)) as [Tenant, Tenant];
  await ask(acme, 'orphaned', doomed);
  await eventually(() => expect(begun).toHaveLength(1));
  await ask(globex, 'orphaned', other);
  await atThePackage([acme, globex]);
  await doomed.kill();
  await eventually(() => expect(begun).toHaveLength(2), { within: GOES_ON_WITHIN });
  begun[1]?.end(bytes);
  await installedAt([acme, globex], 'orphaned', other);
  expect(begun).toHaveLength(2);
}, 120_000);
