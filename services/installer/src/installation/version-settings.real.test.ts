import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunHookRequest, StepOutcome } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { InstallerRoom, type OnHook, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
}, 60_000);
afterAll(() => room.close(), 60_000);

const secret = { type: 'string', secret: true };
const first = { key: { ...secret, required: true }, region: { type: 'string' } };
const second = {
  key: { ...secret, required: true },
  proxy: { type: 'object', required: true, properties: { host: { type: 'string' }, password: secret } },
  region: { type: 'string', required: true, enum: ['eu', 'us'] },
};
const [OLD_KEY, NEW_KEY, PASSWORD] = ['OLD-key-secret', 'NEW-key-secret', 'PROXY-secret'] as const;
const given = { region: 'eu', key: NEW_KEY, proxy: { host: 'proxy.example', password: PASSWORD } };

/** A tenant that has the first version, enabled, and could have the second. */
async function having(id: string, onHook?: OnHook): Promise<Tenant> {
  room.registry.publish(pluginArchive({ id, version: '1.0.0', config: first }));
  const tenant = await room.tenant(onHook);
  await tenant.call('POST', '/install', { id });
  await tenant.call('PUT', `/${id}/config`, { config: { key: OLD_KEY } });
  expect((await tenant.call('POST', `/${id}/enable`)).status).toBe(200);
  room.registry.publish(pluginArchive({ id, version: '2.0.0', config: second }));
  return tenant;
}

const plugin = async (tenant: Tenant, id: string) => (await tenant.call('GET', `/${id}`)).body.data;
const settings = async (tenant: Tenant, id: string) => (await tenant.call('GET', `/${id}/config`)).body.data;
async function entries(tenant: Tenant, path: string) {
  const { data } = (await tenant.call('GET', path)).body;
  return data.entries as Record<string, unknown>[];
}

/** Everything of a tenant that the installer keeps, as text. */
async function everythingKept({ name }: Tenant): Promise<string> {
  const tables = ['configs', 'config_history', 'audit', 'installations', 'operations', 'outbox', 'idempotency_keys'];
  const rows = await Promise.all(
    tables.map((table) => room.rows(`SELECT * FROM installer.${table} WHERE tenant = '${name}'`)),
  );
  return JSON.stringify(rows);
}

describe('an update to a version that requires more', () => {
  test('is refused as long as the plugin is enabled, before anything of it changes, and the plan says so', async () => {
    const acme = await having('asks-more');
    const hooks = acme.hooks();
    const { data } = (await acme.call('GET', '/asks-more/update-plan')).body;
    const refused = await acme.call('POST', '/asks-more/update');
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFIG_MISSING', details: { missingConfig: ['proxy', 'region'] } } },
    });
    expect(refused.body.error.message).toBe(
      'Plugin asks-more needs values for proxy, region to go on working as 2.0.0; give them in `config` of this request, or disable it first (POST /api/plugins/asks-more/disable)',
    );
    const { code, message } = refused.body.error;
    expect(data.refusals).toEqual([{ code, message, details: { missingConfig: ['proxy', 'region'] } }]);
    expect(await plugin(acme, 'asks-more')).toMatchObject({ version: '1.0.0', state: 'enabled', lastError: null });
    expect(acme.hooks()).toEqual(hooks);
    // What the version before knows as well can be saved before; then only the rest is asked for.
    await acme.call('PUT', '/asks-more/config', { config: { region: 'us' } });
    expect((await acme.call('POST', '/asks-more/update')).body.error.details).toMatchObject({
      missingConfig: ['proxy'],
    });
  });

  test('brings its settings along: the new version sees them, no secret is kept in the clear, and the logs tell of them', async () => {
    const seen: [string, unknown][] = [];
    const acme = await having('brings', ({ hook, installation: { version, config } }) => {
      seen.push([`${hook} ${version}`, config.values]);
      return undefined;
    });
    seen.length = 0;
    const headers = { 'idempotency-key': 'brings-once' };
    const answer = await acme.call('POST', '/brings/update', { config: given }, { headers });
    expect(answer.body.data).toMatchObject({ version: '2.0.0', state: 'enabled' });
    const values = { region: 'eu', proxy: { host: 'proxy.example' } };
    expect(seen).toEqual([
      ['onDisable 1.0.0', {}],
      ['onUnload 1.0.0', {}],
      ['onInstall 2.0.0', values],
      ['onLoad 2.0.0', values],
      ['onEnable 2.0.0', values],
    ]);
    expect(await settings(acme, 'brings')).toMatchObject({
      config: values,
      secretsSet: ['key', 'proxy.password'],
      missingConfig: [],
    });
    const who = { userId: '7', role: 'Admin', name: 'Ada' };
    expect((await entries(acme, '/brings/config/history')).slice(0, 4)).toEqual(
      ['proxy.password', 'key', 'proxy', 'region'].map((field) =>
        expect.objectContaining({ field, actor: who, secret: ['proxy.password', 'key'].includes(field) }),
      ),
    );
    const operationId = answer.headers.get('x-operation-id');
    expect((await entries(acme, '/brings/audit')).slice(0, 2)).toMatchObject([
      {
        action: 'config',
        operationId,
        before: { region: null, key: '••••••••', 'proxy.password': null },
        after: { region: 'eu', key: '••••••••', 'proxy.password': '••••••••' },
      },
      { action: 'update', operationId, request: {} },
    ]);
    const kept = await everythingKept(acme);
    for (const text of [OLD_KEY, NEW_KEY, PASSWORD]) expect(kept).not.toContain(text);
    const [operation] = await room.rows(
      `SELECT input, progress FROM installer.operations WHERE id = '${operationId ?? ''}'`,
    );
    expect(operation).toMatchObject({ input: {} });
    expect(JSON.stringify(operation)).not.toMatch(/sealedConfig|"settings"/);
  });

  test('refuses settings that do not suit it, all at once, and leaves everything as it was', async () => {
    const acme = await having('unsuited');
    const config = { region: 'mars', proxy: 7, moon: true };
    const refused = await acme.call('POST', '/unsuited/update', { config });
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'CONFIG_INVALID' } } });
    const { issues } = refused.body.error.details as { issues: { path: string }[] };
    expect(issues.map(({ path }) => path).sort()).toEqual(['/moon', '/proxy', '/region']);
    const large = { config: { region: 'x'.repeat(300_000) } };
    expect((await acme.call('POST', '/unsuited/update', large)).body.error.code).toBe('CONFIG_INVALID');
    expect(await plugin(acme, 'unsuited')).toMatchObject({ version: '1.0.0', state: 'enabled' });
    expect(await settings(acme, 'unsuited')).toMatchObject({ config: {}, secretsSet: ['key'] });
  });

  test('that fails puts the settings back before the old version starts again, and the history tells both', async () => {
    const seen: [string, unknown][] = [];
    const acme = await having('in-vain', ({ hook, stepId, installation }) => {
      seen.push([`${hook} ${installation.version}`, installation.config]);
      return hook === 'onEnable' && installation.version === '2.0.0' ? failed(stepId) : undefined;
    });
    const [[, before] = []] = seen.slice(-1);
    const answer = await acme.call('POST', '/in-vain/update', { config: given });
    expect(answer.body.error).toMatchObject({ code: 'HOOK_FAILED', details: { restored: { version: '1.0.0' } } });
    const last = seen.slice(-3);
    expect(last.map(([what]) => what)).toEqual(['onUnload 2.0.0', 'onLoad 1.0.0', 'onEnable 1.0.0']);
    expect(last.slice(1).map(([, config]) => config)).toEqual([before, before]);
    expect(await settings(acme, 'in-vain')).toMatchObject({ config: {}, secretsSet: ['key'], missingConfig: [] });
    const history = await entries(acme, '/in-vain/config/history');
    const changed = ['key', 'proxy', 'proxy.password', 'region'];
    const ada = { userId: '7', role: 'Admin', name: 'Ada' };
    expect(history.map(({ actor }) => actor)).toEqual([
      ...changed.map(() => ({ service: 'installer' })),
      ...[...changed, 'key'].map(() => ada),
    ]);
    expect(
      history
        .slice(0, 4)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(changed);
    expect(
      history
        .slice(4, 8)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(changed);
    expect((await entries(acme, '/in-vain/audit'))[0]).toMatchObject({ action: 'update', outcome: 'failed' });
    expect(await everythingKept(acme)).not.toContain(NEW_KEY);
  });

  test('of a disabled plugin goes through, and enabling asks for what is missing', async () => {
    const acme = await having('at-rest');
    await acme.call('POST', '/at-rest/disable');
    expect((await acme.call('GET', '/at-rest/update-plan')).body.data).toMatchObject({
      refusals: [],
      config: { newlyRequired: ['proxy', 'region'], missing: ['proxy', 'region'] },
    });
    expect((await acme.call('POST', '/at-rest/update')).body.data).toMatchObject({ version: '2.0.0' });
    const refused = await acme.call('POST', '/at-rest/enable');
    expect(refused.body.error).toMatchObject({
      code: 'CONFIG_MISSING',
      message: expect.stringContaining('PUT /api/plugins/at-rest/config'),
      details: { missingConfig: ['proxy', 'region'] },
    });
    const { key: _, ...rest } = given;
    await acme.call('PUT', '/at-rest/config', { config: rest });
    expect((await acme.call('POST', '/at-rest/enable')).status).toBe(200);
  });

  test('comes by upload with its settings as well', async () => {
    const acme = await having('by-hand');
    const { bytes } = pluginArchive({ id: 'by-hand', version: '3.0.0', config: second });
    expect((await acme.upload(bytes)).body.error.code).toBe('CONFIG_MISSING');
    expect((await acme.upload(bytes, { config: '[1]' })).body.error.code).toBe('BAD_REQUEST');
    const answer = await acme.upload(bytes, { config: JSON.stringify(given) });
    expect(answer.body.data).toMatchObject({ version: '3.0.0', state: 'enabled' });
    expect(await settings(acme, 'by-hand')).toMatchObject({ config: { region: 'eu' }, missingConfig: [] });
    const globex = await room.tenant();
    expect(await globex.upload(bytes, { config: '{}' })).toMatchObject({ status: 400 });
    expect((await globex.upload(bytes)).status).toBe(201);
  });
});

test('a rollback to a version that requires what was cleared since is refused, and brings it along', async () => {
  const acme = await having('and-back');
  room.registry.publish(pluginArchive({ id: 'and-back', version: '2.1.0', config: { key: secret } }));
  await acme.call('POST', '/and-back/update');
  await acme.call('PUT', '/and-back/config', { config: { key: null } });
  const refused = await acme.call('POST', '/and-back/rollback');
  expect(refused).toMatchObject({
    status: 409,
    body: { error: { code: 'CONFIG_MISSING', details: { missingConfig: ['key'] } } },
  });
  expect(await plugin(acme, 'and-back')).toMatchObject({ version: '2.1.0', state: 'enabled' });
  const back = await acme.call('POST', '/and-back/rollback', { config: { key: NEW_KEY } });
  expect(back.body.data).toMatchObject({ version: '1.0.0', state: 'enabled' });
  expect(await settings(acme, 'and-back')).toMatchObject({ secretsSet: ['key'], missingConfig: [] });
});

function failed(stepId: RunHookRequest['stepId']): StepOutcome {
  return { kind: 'failed', stepId, error: { code: 'HOOK_FAILED', message: 'it broke' } };
}
