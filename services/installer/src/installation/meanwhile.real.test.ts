import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { InstallerRoom, type Answer, type OnHook, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
  publish('helper', '1.0.0');
}, 60_000);
afterAll(() => room.close(), 60_000);

function publish(id: string, version: string, more: Record<string, unknown> = {}, entry = {}): void {
  room.registry.publish(pluginArchive({ id, version, ...more }), entry);
}

const plugin = async (tenant: Tenant, id: string) => (await tenant.call('GET', `/${id}`)).body.data;
const needsHelper = { dependencies: { helper: '*' } };

/** A tenant in which something is asked for while that hook of that plugin runs; its answer once that has happened. */
async function askingDuring(when: string, ask: (tenant: Tenant) => Promise<Answer>) {
  let answer: Answer | undefined;
  const onHook: OnHook = async ({ hook, installation: { pluginId, version } }) => {
    if (`${hook} of ${pluginId} ${version}` === when) answer ??= await ask(tenant);
    return undefined;
  };
  const tenant: Tenant = await room.tenant(onHook);
  return { tenant, answered: () => answer };
}

describe('a setting that is required and is cleared while the plugin is being enabled', () => {
  const config = { key: { type: 'string', required: true } };
  const clear = (id: string) => (tenant: Tenant) => tenant.call('PUT', `/${id}/config`, { config: { key: null } });

  test('before its hook keeps it from running, and leaves the plugin as it was', async () => {
    publish('cleared', '1.0.0', { ...needsHelper, config });
    const { tenant, answered } = await askingDuring('onEnable of helper 1.0.0', clear('cleared'));
    await tenant.call('POST', '/install', { id: 'cleared', withDependencies: true });
    await tenant.call('PUT', '/cleared/config', { config: { key: 'there' } });
    const refused = await tenant.call('POST', '/cleared/enable', { withDependencies: true });
    expect(answered()?.status).toBe(200);
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFIG_MISSING', details: { missingConfig: ['key'] } } },
    });
    // That of what it needs has run.
    expect(tenant.hooks().filter((hook) => hook === 'onEnable 1.0.0')).toHaveLength(1);
    expect(await plugin(tenant, 'cleared')).toMatchObject({ state: 'installed', enabled: false });
    expect((await tenant.call('GET', '/alerts')).body.data).toEqual([]);
  });

  test('during its hook is refused, since the plugin has seen it', async () => {
    publish('seen', '1.0.0', { config });
    const { tenant, answered } = await askingDuring('onEnable of seen 1.0.0', clear('seen'));
    await tenant.call('POST', '/install', { id: 'seen' });
    await tenant.call('PUT', '/seen/config', { config: { key: 'there' } });
    expect((await tenant.call('POST', '/seen/enable')).status).toBe(200);
    expect(answered()).toMatchObject({ status: 409, body: { error: { code: 'CONFIG_MISSING' } } });
    expect((await tenant.call('GET', '/seen/config')).body.data).toMatchObject({ config: { key: 'there' } });
  });

  test('and only the new version of an update requires, brings the version before back, enabled', async () => {
    publish('optional', '1.0.0', { config: { key: { type: 'string' } } });
    const { tenant, answered } = await askingDuring('onDisable of optional 1.0.0', clear('optional'));
    await tenant.call('POST', '/install', { id: 'optional' });
    await tenant.call('PUT', '/optional/config', { config: { key: 'there' } });
    await tenant.call('POST', '/optional/enable');
    publish('optional', '2.0.0', { config });
    const { body } = await tenant.call('POST', '/optional/update');
    expect(answered()?.status).toBe(200);
    expect(body.error).toMatchObject({
      code: 'CONFIG_MISSING',
      details: { missingConfig: ['key'], restored: { version: '1.0.0', enabled: true } },
    });
    expect(tenant.hooks().filter((hook) => hook.endsWith(' 2.0.0'))).toEqual(['onUnload 2.0.0']);
    expect(await plugin(tenant, 'optional')).toMatchObject({ version: '1.0.0', state: 'enabled' });
  });
});

describe('a permission that an admin takes away during an update', () => {
  const permissions = ['events:listen', 'config:read'];
  const takeAway = (id: string) => (tenant: Tenant) =>
    tenant.call('PUT', `/${id}/permissions`, { granted: ['config:read'] });

  test('stays away when the update had not begun with the plugin itself', async () => {
    publish('curbed', '1.0.0', { permissions });
    const { tenant, answered } = await askingDuring('onLoad of helper 1.0.0', takeAway('curbed'));
    await tenant.call('POST', '/install', { id: 'curbed' });
    publish('curbed', '2.0.0', { permissions, ...needsHelper });
    expect((await tenant.call('POST', '/curbed/update', { withDependencies: true })).status).toBe(200);
    expect(answered()?.status).toBe(200);
    expect(await plugin(tenant, 'curbed')).toMatchObject({ version: '2.0.0', granted: ['config:read'] });
  });

  test('has to wait once it has', async () => {
    publish('busy', '1.0.0', { permissions });
    const { tenant, answered } = await askingDuring('onUnload of busy 1.0.0', takeAway('busy'));
    await tenant.call('POST', '/install', { id: 'busy' });
    publish('busy', '2.0.0', { permissions });
    await tenant.call('POST', '/busy/update');
    expect(answered()).toMatchObject({ status: 423, body: { error: { code: 'BUSY' } } });
    expect(await plugin(tenant, 'busy')).toMatchObject({ version: '2.0.0', granted: permissions });
  });
});

describe('an update that asks for more than was agreed to', () => {
  const permissions = ['http:outbound'];

  test.each([
    ['says so', { permissions }, 0],
    ['says nothing of it', {}, 1],
  ])('is refused before anything else, where the registry %s', async (about, entry, downloads) => {
    const id = about === 'says so' ? 'asks-openly' : 'asks-in-silence';
    publish(id, '1.0.0');
    const tenant = await room.tenant();
    await tenant.call('POST', '/install', { id });
    await tenant.call('POST', `/${id}/enable`);
    publish(id, '2.0.0', { permissions, ...needsHelper }, entry);
    const hooks = tenant.hooks();
    const refused = await tenant.call('POST', `/${id}/update`, { withDependencies: true });
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { code: 'PERMISSIONS_NOT_ACCEPTED', details: { notAccepted: permissions } } },
    });
    expect(tenant.hooks()).toEqual(hooks);
    expect(room.registry.downloads.get(`/${id}-2.0.0.zip`) ?? 0).toBe(downloads);
    const asked = await room.rows(`SELECT plugin_id FROM installer.operations WHERE tenant = '${tenant.name}'`);
    expect(asked.filter(({ plugin_id: of }) => of !== id)).toEqual([]);
    const agreed = { withDependencies: true, acceptedPermissions: permissions };
    expect((await tenant.call('POST', `/${id}/update`, agreed)).body.data).toMatchObject({ granted: permissions });
    expect(await plugin(tenant, 'helper')).toMatchObject({ state: 'enabled' });
  });
});

test('a dependency that only the manifest names, and the registry does not, is brought along as well', async () => {
  publish('quiet', '1.0.0');
  const tenant = await room.tenant();
  await tenant.call('POST', '/install', { id: 'quiet' });
  publish('quiet', '2.0.0', needsHelper, { dependencies: {} });
  expect((await tenant.call('POST', '/quiet/update')).body.error.code).toBe('DEPENDENCIES_MISSING');
  expect((await tenant.call('POST', '/quiet/update', { withDependencies: true })).status).toBe(200);
  expect(await plugin(tenant, 'helper')).toMatchObject({ state: 'installed' });
});
