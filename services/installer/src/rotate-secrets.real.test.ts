import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApplyInstallation, type Installation } from '@verifywise/contracts';
import { createLogger, createOutbox, openDatabase, secretBox } from '@verifywise/service-kit';
import { inPostgres } from '../../../infra/local/src/backing/handshakes.ts';
import '../../../test/support/patience.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { sealedConfigs } from './store/sealed-configs.ts';
import { ConfigTable, InstallationTable, PackageTable } from './store/tables.ts';
import { createTransactions } from './store/transactions.ts';
import { InstallerRoom, type RunningInstaller, type Tenant } from './testing/installer-room.ts';
import { pluginArchive } from './testing/plugin-archive.ts';

const [old, young] = [1, 2].map((fill) => ({ kid: `k${fill}`, key: Buffer.alloc(32, fill) }));
const keys = (...all: (typeof old)[]) =>
  all.map((one) => `${one?.kid ?? ''}:${one?.key.toString('base64') ?? ''}`).join(',');
const boxOf = (...all: (typeof old)[]) => secretBox(all.flatMap((one) => (one === undefined ? [] : [one])));
const PLUGINS = ['first', 'second', 'third'];

let room: InstallerRoom;
let installer: RunningInstaller;

beforeAll(async () => {
  room = await InstallerRoom.open();
  // As services are while keys change: they know both, and this one has not heard yet which is to seal.
  installer = await room.startInstaller({ PLUGIN_SECRETS_KEY: keys(old, young) });
  const config = { token: { type: 'string', secret: true }, limit: { type: 'number' } };
  for (const id of PLUGINS) room.registry.publish(pluginArchive({ id, version: '1.0.0', config }));
}, 180_000);
afterAll(() => room.close(), 60_000);

function start(
  given: string,
  ...args: string[]
): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const script = join(import.meta.dirname, 'rotate-secrets.ts');
  const env = { ...process.env, DATABASE_URL: room.database.url, PLUGIN_SECRETS_KEY: given };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { child, ended };
}

async function tenantWithSecrets(): Promise<Tenant> {
  const tenant = await room.tenant();
  for (const id of PLUGINS) {
    await tenant.call('POST', '/install', { id });
    const saved = await tenant.call('PUT', `/${id}/config`, {
      config: { token: `${tenant.name} ${id} token`, limit: 1 },
    });
    expect(saved.status).toBe(200);
  }
  return tenant;
}

/** Which keys seal the secrets of these tenants. */
async function kids(...tenants: Tenant[]): Promise<string[]> {
  const names = tenants.map(({ name }) => `'${name}'`).join(', ');
  const rows = await room.rows(
    `SELECT split_part(secrets->>'token', ':', 2) AS kid FROM installer.configs WHERE tenant IN (${names}) ORDER BY tenant, plugin_id`,
  );
  return rows.map(({ kid }) => String(kid));
}

async function opened(tenant: Tenant): Promise<unknown[]> {
  const rows = await room.rows(
    `SELECT plugin_id, secrets->>'token' AS sealed FROM installer.configs WHERE tenant = '${tenant.name}' ORDER BY plugin_id`,
  );
  return rows.map(({ plugin_id: pluginId, sealed }) =>
    boxOf(young).open(String(sealed), { tenant: tenant.name, pluginId: String(pluginId), field: 'token' }),
  );
}

test('killed half-way beside a platform that runs, the next rotation does the rest, and nothing an admin changed is lost', async () => {
  const tenants = [await tenantWithSecrets(), await tenantWithSecrets()];
  const [acme, globex] = tenants as [Tenant, Tenant];
  const [first, last] = [...tenants].sort((a, b) => (a.name < b.name ? -1 : 1)) as [Tenant, Tenant];
  await globex.call('POST', '/first/uninstall');

  await inPostgres(room.database.url, async (holder) => {
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM installer.installations WHERE tenant = $1 AND plugin_id = 'second' FOR UPDATE`, [
      last.name,
    ]);
    const { child, ended } = start(keys(young, old));
    await eventually(async () => expect(await kids(first, last)).toEqual(['k2', 'k2', 'k2', 'k2', 'k1', 'k1']));
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    await holder.query('ROLLBACK');
  });
  expect(await kids(first, last)).toEqual(['k2', 'k2', 'k2', 'k2', 'k1', 'k1']);
  const changed = await acme.call('PUT', '/third/config', { config: { limit: 7 } });
  expect(changed.body.data).toMatchObject({ config: { limit: 7 }, secretsSet: ['token'] });

  const check = await start(keys(young, old), '--check').ended;
  expect(check).toMatchObject({ code: 0, output: expect.stringContaining('2 with k1, 4 with k2') });
  const again = await start(keys(young, old)).ended;
  expect(again).toMatchObject({ code: 0, output: expect.stringContaining('2 sealed anew with k2, 0 left') });
  expect(await start(keys(young, old)).ended).toMatchObject({
    output: expect.stringContaining('0 sealed anew with k2, 0 left'),
  });
  for (const tenant of tenants) expect(await opened(tenant)).toEqual(PLUGINS.map((id) => `${tenant.name} ${id} token`));
  expect((await acme.call('GET', '/third/config')).body.data).toMatchObject({ config: { limit: 7 } });

  // Runners have heard of it, so that they do not need the old key either; the history knows nothing of it.
  for (const tenant of tenants) {
    await eventually(() => {
      const known = new Map<string, string>();
      for (const { type, payload } of tenant.runner.received) {
        if (type !== ApplyInstallation.name) continue;
        const { installation } = payload as { installation: Installation };
        known.set(installation.pluginId, installation.config.secrets.token ?? '');
      }
      const seen = [...known]
        .filter(([id]) => tenant !== globex || id !== 'first')
        .map(([, sealed]) => sealed.split(':')[1]);
      expect(new Set(seen)).toEqual(new Set(['k2']));
    });
  }
  const history = (await acme.call('GET', '/first/config/history')).body.data;
  expect(history.entries).toHaveLength(2);
});

test('a key that is missing is named, and nothing is changed', async () => {
  const acme = await tenantWithSecrets();
  const refused = await start(keys(young)).ended;
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(
    /a key that PLUGIN_SECRETS_KEY does not have \(3 with k1\); add k1 to its end and run this again/,
  );
  expect(await kids(acme)).toEqual(['k1', 'k1', 'k1']);
});

test('a secret that cannot be opened is named, and the others are sealed anew', async () => {
  const acme = await tenantWithSecrets();
  await room.rows(
    `UPDATE installer.configs SET secrets = jsonb_set(secrets, '{token}', to_jsonb(replace(secrets->>'token', 'v1:k1:', 'v1:k1:A')))
     WHERE tenant = '${acme.name}' AND plugin_id = 'first'`,
  );
  const run = await start(keys(young, old)).ended;
  expect(run).toMatchObject({ code: 1, output: expect.stringContaining('1 left') });
  expect(run.output).toContain(`The secret token of first cannot be opened`);
  expect(run.output).toContain(`(tenant ${acme.name})`);
  expect(await kids(acme)).toEqual(['k1', 'k2', 'k2']);
  expect((await acme.call('PUT', '/first/config', { config: { token: 'given again' } })).status).toBe(200);
});

test('what an admin changes between the look and the writing is not overwritten', async () => {
  const acme = await tenantWithSecrets();
  const log = createLogger('rotation-test', 'silent');
  const entities = [InstallationTable, ConfigTable, PackageTable];
  const database = await openDatabase({ url: room.database.url, schema: 'installer', entities, migrations: [], log });
  try {
    const store = sealedConfigs(
      database,
      createTransactions(createOutbox(database), undefined, () => undefined),
    );
    const box = boxOf(young, old);
    for await (const { secrets, replace } of store.owners('k2')) {
      const [secret] = secrets;
      if (secret?.place.tenant !== acme.name || secret.place.pluginId !== 'second') continue;
      await acme.call('PUT', '/second/config', { config: { token: 'newer' } }, { at: installer });
      expect(await replace({ token: box.rewrap(secret.sealed, secret.place) })).toBe(false);
    }
  } finally {
    await database.close();
  }
  expect((await start(keys(young, old)).ended).output).toContain('sealed anew');
  expect(await opened(acme)).toContain('newer');
});
