import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ListInstallations,
  ListInstalledPlugins,
  ListTenantPlugins,
  partitionOf,
  PluginFailed,
  SetConfigValue,
  type StepOutcome,
} from '@verifywise/contracts';
import '../../../test/support/patience.ts';
import { eventually } from '../../../test/support/eventually.ts';

import { InstallerRoom, type RunningInstaller } from './testing/installer-room.ts';
import { checksumOf, pluginArchive } from './testing/plugin-archive.ts';

let room: InstallerRoom;
let installer: RunningInstaller;

beforeAll(async () => {
  room = await InstallerRoom.open();
  installer = await room.startInstaller();
}, 60_000);
afterAll(() => room.close(), 60_000);

describe('the life of a plugin', () => {
  test('it is installed, enabled, disabled and uninstalled with its data, each hook once and in order', async () => {
    const entry = room.registry.publish(pluginArchive({ id: 'whole-life', version: '1.0.0' }));
    const acme = await room.tenant();
    const { id, version, downloadUrl, checksum } = entry;

    const installed = await acme.call('POST', '/install-from-url', { id, name: id, version, downloadUrl, checksum });
    expect(installed.body).toMatchObject({
      success: true,
      data: { state: 'installed', enabled: false, verified: true },
    });
    expect(installed.status).toBe(201);
    const enabled = await acme.call('POST', `/${id}/enable`);
    expect(enabled.body.data).toMatchObject({ state: 'enabled', enabled: true });
    expect((await acme.call('GET', '/stats')).body.data).toMatchObject({ installed: 1, enabled: 1 });
    const disabled = await acme.call('POST', `/${id}/disable`);
    expect(disabled.body.data).toMatchObject({ state: 'disabled', enabled: false });
    const uninstalled = await acme.call('POST', `/${id}/uninstall`, { deleteData: true });
    expect(uninstalled.body.data).toMatchObject({ id, state: 'uninstalled' });

    expect((await acme.call('GET', `/${id}`)).status).toBe(404);
    expect(acme.hooks()).toEqual([
      ...['onInstall 1.0.0', 'onLoad 1.0.0', 'onEnable 1.0.0', 'onDisable 1.0.0', 'onUnload 1.0.0'],
      ...['onUninstall 1.0.0', 'delete-data'],
    ]);
    await eventually(() => {
      expect(acme.runner.received.map(({ type }) => type).at(-1)).toBe('runner.forget-installation');
    });
    const { data } = (await acme.call('GET', `/${id}/audit`)).body;
    expect((data.entries as { action: string }[]).map(({ action }) => action)).toEqual([
      ...['uninstall', 'disable', 'enable', 'install-from-url'],
    ]);
  });
});

describe('what does not work out', () => {
  test('leaves nothing of an installation whose hook fails, not even its data', async () => {
    room.registry.publish(pluginArchive({ id: 'bad-install', version: '1.0.0' }));
    const acme = await room.tenant(({ hook, stepId }) => failing(hook === 'onInstall', stepId));
    const answer = await acme.call('POST', '/install', { id: 'bad-install' });
    expect(answer.status).toBe(500);
    expect(answer.body.error).toMatchObject({ code: 'HOOK_FAILED' });
    expect(acme.hooks()).toEqual(['onInstall 1.0.0', 'delete-data']);
    expect((await acme.call('GET', '/bad-install')).status).toBe(404);
    const operation = await acme.call('GET', `/operations/${answer.headers.get('x-operation-id') ?? ''}`);
    expect(operation.body.data).toMatchObject({ status: 'failed', error: { code: 'HOOK_FAILED' } });
    expect(JSON.stringify(operation.body)).not.toContain('at plugin.js');
  });

  test('a hook without an answer is a hook that took too long', async () => {
    room.registry.publish(pluginArchive({ id: 'endless', version: '1.0.0' }));
    const acme = await room.tenant(({ hook }) =>
      hook === 'onInstall' ? new Promise<undefined>(() => undefined) : undefined,
    );
    const answer = await acme.call('POST', '/install', { id: 'endless' });
    expect(answer.body.error.code).toBe('HOOK_TIMED_OUT');
    expect(answer.status).toBe(504);
    expect((await acme.call('GET', '/endless')).status).toBe(404);
  });

  test('a hook that fails on enabling leaves the plugin disabled and in error, with an alert and the stack kept', async () => {
    room.registry.publish(pluginArchive({ id: 'bad-enable', version: '1.0.0' }));
    const acme = await room.tenant(({ hook, stepId }) => failing(hook === 'onEnable', stepId));
    await acme.call('POST', '/install', { id: 'bad-enable' });
    expect((await acme.call('POST', '/bad-enable/enable')).body.error.code).toBe('HOOK_FAILED');
    const { data } = (await acme.call('GET', '/bad-enable')).body;
    expect(data).toMatchObject({
      state: 'error',
      enabled: false,
      lastError: { stack: 'at plugin.js:1', during: 'onEnable' },
    });
    expect((await acme.call('GET', '/alerts')).body.data).toMatchObject([{ pluginId: 'bad-enable' }]);
    expect((await acme.call('GET', '/bad-enable/errors')).body.data).toMatchObject({
      failedSteps: [{ step: 'onEnable' }],
    });
  });

  test('a hook that lacks a permission leaves the plugin as it was, not in error, and the admin is told which one', async () => {
    room.registry.publish(pluginArchive({ id: 'asks-more', version: '1.0.0' }));
    const message = 'asks-more was not granted http:outbound';
    const acme = await room.tenant(({ hook, stepId }) =>
      hook === 'onEnable' ? { kind: 'failed', stepId, error: { code: 'PERMISSION_DENIED', message } } : undefined,
    );
    await acme.call('POST', '/install', { id: 'asks-more' });
    const refused = await acme.call('POST', '/asks-more/enable');
    expect(refused).toMatchObject({
      status: 403,
      body: { error: { code: 'PERMISSION_DENIED', message } },
    });
    expect((await acme.call('GET', '/asks-more')).body.data).toMatchObject({
      state: 'installed',
      enabled: false,
      lastError: { code: 'PERMISSION_DENIED', during: 'onEnable' },
    });
    expect((await acme.call('GET', '/alerts')).body.data).toEqual([]);
  });

  test('wrong values, wrong roles and unknown things have their codes', async () => {
    const entry = room.registry.publish(pluginArchive({ id: 'strict', version: '1.0.0' }));
    const acme = await room.tenant();
    const body = { id: 'strict', version: '1.0.0', downloadUrl: entry.downloadUrl, checksum: entry.checksum };
    const other = `sha256:${'0'.repeat(64)}`;
    const codes = async (sent: object, options = {}) => {
      const { status, body: answer } = await acme.call('POST', '/install-from-url', sent, options);
      return [status, answer.error.code];
    };
    expect(await codes({ ...body, checksum: other })).toEqual([422, 'CHECKSUM_MISMATCH']);
    expect(await codes({ ...body, downloadUrl: 'https://evil.example/x.zip' })).toEqual([422, 'DOWNLOAD_URL_MISMATCH']);
    expect(await codes({ ...body, version: '9.9.9' })).toEqual([404, 'VERSION_NOT_FOUND']);
    expect(await codes({ ...body, id: 'nobody-has-it', version: undefined })).toEqual([404, 'PLUGIN_NOT_FOUND']);
    expect(await codes({ ...body, id: 'No Such' })).toEqual([404, 'PLUGIN_NOT_FOUND']);
    expect(await codes({ ...body, version: 'banana' })).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codes({ ...body, checksum: 'short' })).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codes(body, { role: 'Viewer' })).toEqual([403, 'FORBIDDEN']);
    expect(await codes(body, { role: null })).toEqual([401, 'UNAUTHENTICATED']);
    room.registry.publish(pluginArchive({ id: 'swapped', version: '1.0.0' }), { checksum: other });
    expect((await acme.call('POST', '/install', { id: 'swapped' })).body.error.code).toBe('CHECKSUM_MISMATCH');
    room.registry.publish({ ...pluginArchive({ id: 'liar', version: '2.0.0' }), version: '1.0.0' });
    expect((await acme.call('POST', '/install', { id: 'liar' })).body.error.code).toBe('MANIFEST_MISMATCH');
    room.registry.publish(pluginArchive({ id: 'away', version: '1.0.0' }), { local: false });
    expect((await acme.call('POST', '/install', { id: 'away' })).body.error.code).toBe('DOWNLOAD_REFUSED');
    room.registry.publish(pluginArchive({ id: 'new-host', version: '1.0.0', compatibility: { minVersion: '99.0.0' } }));
    expect((await acme.call('POST', '/install', { id: 'new-host' })).body.error.code).toBe('INCOMPATIBLE');
  });

  test('while an operation is under way the plugin is busy, and what others have is not there for us', async () => {
    room.registry.publish(pluginArchive({ id: 'slow', version: '1.0.0' }));
    let go: () => void = () => undefined;
    const gate = new Promise<undefined>((resolve) => (go = () => resolve(undefined)));
    const acme = await room.tenant(({ hook }) => (hook === 'onInstall' ? gate : undefined));
    const begun = await acme.call('POST', '/install', { id: 'slow' }, { headers: { prefer: 'respond-async' } });
    expect(begun.status).toBe(202);
    const { operationId } = begun.body.data as { operationId: string };
    expect(await acme.call('POST', '/install', { id: 'slow' })).toMatchObject({ status: 423 });
    const globex = await room.tenant();
    expect((await globex.call('GET', `/operations/${operationId}`)).status).toBe(404);
    expect((await globex.call('GET', '/slow')).status).toBe(404);
    go();
    await eventually(async () => {
      const { data } = (await acme.call('GET', `/operations/${operationId}`)).body;
      expect(data.status).toBe('succeeded');
    });
    expect(await acme.call('POST', '/install', { id: 'slow' })).toMatchObject({ status: 409 });
  });
});

describe('versions', () => {
  test('an update keeps the version before, and a rollback fetches nothing', async () => {
    room.registry.publish(pluginArchive({ id: 'grows', version: '1.0.0', permissions: ['events:listen'] }));
    const acme = await room.tenant();
    await acme.call('POST', '/install', { id: 'grows' });
    await acme.call('POST', '/grows/enable');
    expect((await acme.call('POST', '/grows/update')).body.error.code).toBe('NOTHING_TO_UPDATE');
    room.registry.publish(
      pluginArchive({ id: 'grows', version: '1.1.0', permissions: ['events:listen', 'http:outbound'] }),
      { registry: 'another' },
    );
    const refused = await acme.call('POST', '/grows/update');
    expect(refused.body.error).toMatchObject({
      code: 'PERMISSIONS_NOT_ACCEPTED',
      details: { notAccepted: ['http:outbound'] },
    });
    const updated = await acme.call('POST', '/grows/update', { acceptedPermissions: ['http:outbound'] });
    expect(updated.body.data).toMatchObject({
      version: '1.1.0',
      previousVersion: '1.0.0',
      state: 'enabled',
      enabled: true,
    });
    const fetched = [...room.registry.downloads.values()].reduce((sum, count) => sum + count, 0);
    const back = await acme.call('POST', '/grows/rollback');
    expect(back.body.data).toMatchObject({ version: '1.0.0', previousVersion: '1.1.0', granted: ['events:listen'] });
    expect([updated, back].map(({ body }) => body.data.registry)).toEqual(['another', 'test']);
    expect([...room.registry.downloads.values()].reduce((sum, count) => sum + count, 0)).toBe(fetched);
    expect(acme.hooks()).toEqual([
      ...['onInstall 1.0.0', 'onLoad 1.0.0', 'onEnable 1.0.0'],
      ...['onDisable 1.0.0', 'onUnload 1.0.0', 'onInstall 1.1.0', 'onLoad 1.1.0', 'onEnable 1.1.0'],
      ...['onDisable 1.1.0', 'onUnload 1.1.0', 'onLoad 1.0.0', 'onEnable 1.0.0'],
    ]);
    const again = await acme.call('POST', '/grows/rollback');
    expect(again.body.data).toMatchObject({ version: '1.1.0', previousVersion: '1.0.0', registry: 'another' });
  });

  test('an update whose hook fails restores and re-enables the version before', async () => {
    room.registry.publish(pluginArchive({ id: 'stumbles', version: '1.0.0' }));
    const acme = await room.tenant(({ hook, stepId, installation }) =>
      failing(hook === 'onInstall' && installation.version === '2.0.0', stepId),
    );
    await acme.call('POST', '/install', { id: 'stumbles' });
    await acme.call('POST', '/stumbles/enable');
    room.registry.publish(pluginArchive({ id: 'stumbles', version: '2.0.0' }));
    expect((await acme.call('POST', '/stumbles/update')).body.error.code).toBe('HOOK_FAILED');
    const { data } = (await acme.call('GET', '/stumbles')).body;
    expect(data).toMatchObject({ version: '1.0.0', state: 'enabled', enabled: true, previousVersion: null });
    expect(acme.hooks().slice(3)).toEqual([
      ...['onDisable 1.0.0', 'onUnload 1.0.0', 'onInstall 2.0.0', 'onUnload 2.0.0', 'onLoad 1.0.0', 'onEnable 1.0.0'],
    ]);
  });
});

describe('dependencies', () => {
  test('are named when they are missing, installed on request, and keep what they carry from going away', async () => {
    room.registry.publish(pluginArchive({ id: 'ground', version: '1.2.0' }));
    room.registry.publish(pluginArchive({ id: 'house', version: '1.0.0', dependencies: { ground: '>=1.0.0' } }));
    const acme = await room.tenant();
    const refused = await acme.call('POST', '/install', { id: 'house' });
    expect(refused.status).toBe(409);
    expect(refused.body.error).toMatchObject({
      code: 'DEPENDENCIES_MISSING',
      details: { missing: [{ id: 'ground' }] },
    });
    expect((await acme.call('POST', '/install', { id: 'house', withDependencies: true })).status).toBe(201);
    expect((await acme.call('GET', '/ground')).body.data).toMatchObject({ state: 'installed', enabled: false });
    expect((await acme.call('POST', '/house/enable')).status).toBe(409);
    expect((await acme.call('POST', '/house/enable', { withDependencies: true })).body.data).toMatchObject({
      enabled: true,
    });
    expect((await acme.call('GET', '/ground')).body.data).toMatchObject({ enabled: true });
    expect((await acme.call('POST', '/ground/uninstall')).body.error).toMatchObject({
      details: { dependents: ['house'] },
    });
    expect((await acme.call('POST', '/ground/uninstall', { cascade: true })).status).toBe(200);
    expect((await acme.call('GET', '')).body.data).toMatchObject({ total: 0 });
  });
});

test('two dependencies that need the same third install it once', async () => {
  room.registry.publish(pluginArchive({ id: 'base', version: '1.0.0' }));
  room.registry.publish(pluginArchive({ id: 'left', version: '1.0.0', dependencies: { base: '*' } }));
  const dependencies = { left: '>=1.0.0', base: '^1.0.0' };
  room.registry.publish(pluginArchive({ id: 'top', version: '1.0.0', dependencies }));
  const acme = await room.tenant();
  expect((await acme.call('POST', '/install', { id: 'top', withDependencies: true })).status).toBe(201);
  expect((await acme.call('GET', '/top/dependencies')).body.data).toMatchObject({
    dependencies: [
      { id: 'left', satisfied: true },
      { id: 'base', satisfied: true },
    ],
  });
  expect(acme.hooks().filter((hook) => hook.startsWith('onInstall'))).toHaveLength(3);
});

describe('settings', () => {
  const config = {
    apiKey: { type: 'string', required: true, secret: true },
    limit: { type: 'number', default: 5, min: 1 },
  };

  test('keep secrets to themselves, survive an uninstallation without deleteData, and are asked for before enabling', async () => {
    room.registry.publish(pluginArchive({ id: 'keeper', version: '1.0.0', config }));
    const acme = await room.tenant();
    await acme.call('POST', '/install', { id: 'keeper' });
    const refused = await acme.call('POST', '/keeper/enable');
    expect(refused.body.error).toMatchObject({ code: 'CONFIG_MISSING', details: { missingConfig: ['apiKey'] } });
    const put = (values: object) => acme.call('PUT', '/keeper/config', { config: values });
    expect((await put({ limit: 0 })).body.error.code).toBe('CONFIG_INVALID');
    expect((await put({ unknown: 0 })).body.error.code).toBe('CONFIG_INVALID');
    const saved = await put({ apiKey: 'very secret', limit: 9 });
    expect(saved.body.data).toMatchObject({ config: { limit: 9 }, secretsSet: ['apiKey'], missingConfig: [] });
    await put({ apiKey: '••••••••', limit: 8 });
    expect((await put({ apiKey: '' })).body.data).toMatchObject({ config: { limit: 8 }, secretsSet: ['apiKey'] });
    expect(JSON.stringify((await acme.call('GET', '/keeper/config')).body)).not.toContain('very secret');
    await acme.call('POST', '/keeper/enable');
    expect((await put({ apiKey: null })).body.error.code).toBe('CONFIG_MISSING');
    await acme.call('POST', '/keeper/uninstall');
    await acme.call('POST', '/install', { id: 'keeper' });
    expect((await acme.call('GET', '/keeper/config')).body.data).toMatchObject({ secretsSet: ['apiKey'] });
    await acme.call('POST', '/keeper/uninstall', { deleteData: true });
    await acme.call('POST', '/install', { id: 'keeper' });
    expect((await acme.call('GET', '/keeper/config')).body.data).toMatchObject({
      secretsSet: [],
      config: { limit: 5 },
    });
  });

  test('a plugin sets its own while its hook runs, and sees itself as it is to be', async () => {
    room.registry.publish(pluginArchive({ id: 'setter', version: '1.0.0', config }));
    let seen: unknown;
    const acme = await room.tenant(async ({ hook, installation }) => {
      if (hook !== 'onInstall') return undefined;
      const payload = { pluginId: installation.pluginId, key: 'limit', value: 42 };
      seen = await room.broker.ask(SetConfigValue, { tenant: installation.tenant, payload });
      return undefined;
    });
    expect((await acme.call('POST', '/install', { id: 'setter' })).status).toBe(201);
    expect(seen).toMatchObject({ state: 'installed', config: { values: { limit: 42 } } });
    expect((await acme.call('GET', '/setter/config')).body.data).toMatchObject({ config: { limit: 42 } });
  });
});

describe('what others ask and tell', () => {
  test('runners find every installation of their partitions page by page', async () => {
    room.registry.publish(pluginArchive({ id: 'listed-one', version: '1.0.0' }));
    room.registry.publish(pluginArchive({ id: 'listed-two', version: '1.0.0' }));
    const acme = await room.tenant();
    await acme.call('POST', '/install', { id: 'listed-one' });
    await acme.call('POST', '/install', { id: 'listed-two' });
    const partitions = [partitionOf(acme.name)];
    const first = await room.broker.ask(ListInstallations, { tenant: null, payload: { partitions, limit: 1 } });
    expect(first.next).toEqual({ tenant: acme.name, pluginId: 'listed-one' });
    const rest = await room.broker.ask(ListInstallations, {
      tenant: null,
      payload: { partitions, limit: 10, ...(first.next === undefined ? {} : { after: first.next }) },
    });
    expect(rest.installations.map(({ pluginId }) => pluginId)).toEqual(['listed-two']);
    expect(rest.installations[0]).toMatchObject({ state: 'installed', desired: 'disabled', config: { values: {} } });
  });

  test('registry-cache finds what tenants have, only where it is not as it knows it, and every tenant page by page', async () => {
    room.registry.publish(pluginArchive({ id: 'listed-three', version: '1.0.0' }));
    const [acme, globex] = [await room.tenant(), await room.tenant()];
    for (const tenant of [acme, globex]) await tenant.call('POST', '/install', { id: 'listed-three' });
    const ask = (tenants: { tenant: string; revision?: string }[]) =>
      room.broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } });

    const [known, unknown] = await ask([{ tenant: acme.name }, { tenant: 'nobody-yet' }]);
    expect(known).toMatchObject({
      tenant: acme.name,
      plugins: [{ pluginId: 'listed-three', version: '1.0.0', enabled: false, state: 'installed' }],
    });
    expect(unknown).toMatchObject({ tenant: 'nobody-yet', plugins: [] });
    const tenants = [known, unknown].flatMap((one) => (one === undefined ? [] : [one]));
    expect(await ask(tenants.map(({ tenant, revision }) => ({ tenant, revision })))).toEqual([]);
    await acme.call('POST', '/listed-three/enable');
    expect(await ask(tenants.map(({ tenant, revision }) => ({ tenant, revision })))).toMatchObject([
      { tenant: acme.name, plugins: [{ enabled: true }] },
    ]);

    const all: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const page: Awaited<ReturnType<typeof nextPage>> = await nextPage(after);
      all.push(...page.tenants.map(({ tenant }) => tenant));
      after = page.next;
    }
    expect(all).toEqual(expect.arrayContaining([acme.name, globex.name]));
    expect(new Set(all).size).toBe(all.length);

    function nextPage(after: string) {
      return room.broker.ask(ListTenantPlugins, { tenant: null, payload: { after } });
    }
  });

  test('a plugin that fails is disabled once, and what an older life of it did is forgotten', async () => {
    room.registry.publish(pluginArchive({ id: 'crashes', version: '1.0.0' }));
    const acme = await room.tenant();
    await acme.call('POST', '/install', { id: 'crashes' });
    await acme.call('POST', '/crashes/enable');
    const { generation } = (await acme.call('GET', '/crashes')).body.data as { generation: number };
    const failure = {
      pluginId: 'crashes',
      version: '1.0.0',
      reason: 'unhandled',
      message: 'boom',
      stack: 'at x',
    } as const;
    const report = { tenant: acme.name, payload: { ...failure, generation } };
    await room.broker.publish(PluginFailed, { ...report, payload: { ...failure, generation: generation - 1 } });
    await room.broker.publish(PluginFailed, { ...report, id: 'report-1' });
    await room.broker.publish(PluginFailed, { ...report, id: 'report-1' });
    await eventually(async () => {
      const { data } = (await acme.call('GET', '/crashes')).body;
      expect(data).toMatchObject({ state: 'error', enabled: false, lastError: { message: 'boom', stack: 'at x' } });
    });
    expect((await acme.call('GET', '/alerts')).body.data).toHaveLength(1);
    expect((await acme.call('POST', '/crashes/enable')).body.data).toMatchObject({ state: 'enabled', lastError: null });
    await acme.call('POST', '/crashes/uninstall');
  });

  test('a package is given to who shows a service token, and to nobody else', async () => {
    const entry = room.registry.publish(pluginArchive({ id: 'given', version: '1.0.0' }));
    const acme = await room.tenant();
    const { digest } = (await acme.call('POST', '/install', { id: 'given' })).body.data as { digest: string };
    const url = `${installer.url}/internal/packages/${digest}`;
    expect((await fetch(url)).status).toBe(401);
    const token = await room.runnerToken();
    const answer = await fetch(url, { headers: { 'x-service-token': token } });
    expect(answer.headers.get('content-type')).toContain('application/zip');
    expect(checksumOf(Buffer.from(await answer.arrayBuffer()))).toBe(digest);
    expect(entry.checksum).toMatch(/^sha256:/);
    const none = await fetch(url.replace(/.{4}$/, '0000'), { headers: { 'x-service-token': token } });
    expect(none.status).toBe(404);
  });
});

describe('uploads and retries', () => {
  test('an uploaded zip is installed, a newer one takes its place, and what is no zip is refused', async () => {
    const acme = await room.tenant();
    const upload = (bytes: Buffer, checksum?: string, accepted?: string) => {
      const form = new FormData();
      form.set('plugin', new Blob([new Uint8Array(bytes)]), 'plugin.zip');
      if (checksum !== undefined) form.set('checksum', checksum);
      if (accepted !== undefined) form.set('acceptedPermissions', accepted);
      return acme.call('POST', '/upload', form);
    };
    const { bytes, checksum } = pluginArchive({ id: 'by-hand', version: '1.0.0' });
    const first = await upload(bytes, checksum);
    expect(first.body).toMatchObject({ data: { state: 'installed', source: 'upload', verified: false } });
    expect((await upload(bytes)).status).toBe(409);
    const next = await upload(pluginArchive({ id: 'by-hand', version: '1.1.0' }).bytes);
    expect(next.body.data).toMatchObject({ version: '1.1.0', previousVersion: '1.0.0' });
    const asking = pluginArchive({ id: 'by-hand', version: '1.2.0', permissions: ['http:outbound', 'config:read'] });
    expect((await upload(asking.bytes)).body.error.code).toBe('PERMISSIONS_NOT_ACCEPTED');
    expect((await upload(asking.bytes, undefined, 'http:everything')).status).toBe(400);
    const agreed = await upload(asking.bytes, undefined, 'http:outbound, config:read');
    expect(agreed.body.data).toMatchObject({ version: '1.2.0', granted: ['http:outbound', 'config:read'] });
    expect((await upload(Buffer.from('no zip'))).status).toBe(415);
    expect((await upload(bytes, `sha256:${'1'.repeat(64)}`)).status).toBe(422);
    expect((await upload(Buffer.alloc(11 * 1024 * 1024))).status).toBe(413);
    expect((await acme.call('POST', '/upload', {})).status).toBe(415);
  });

  test('the same Idempotency-Key gets the same answer, and the hooks run once', async () => {
    room.registry.publish(pluginArchive({ id: 'once-only', version: '1.0.0' }));
    const acme = await room.tenant();
    const headers = { 'idempotency-key': 'k-1' };
    const first = await acme.call('POST', '/install', { id: 'once-only' }, { headers });
    const again = await acme.call('POST', '/install', { id: 'once-only' }, { headers });
    expect(first.status).toBe(201);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect((await acme.call('POST', '/install', { id: 'other' }, { headers })).body.error.code).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    expect(acme.hooks()).toEqual(['onInstall 1.0.0', 'onLoad 1.0.0']);
  });

  test('an operation is followed by server-sent events to its end', async () => {
    room.registry.publish(pluginArchive({ id: 'watched', version: '1.0.0' }));
    const acme = await room.tenant();
    const begun = await acme.call('POST', '/install', { id: 'watched' }, { headers: { prefer: 'respond-async' } });
    const { location } = begun.body.data as { location: string };
    const events = await acme.text(`${location.slice('/api/plugins'.length)}/events`);
    expect(events).toMatch(/event: progress/);
    expect(events.trim().split('\n\n').at(-1)).toContain('"status":"succeeded"');
  });
});

test('what ships with the platform is registered for everyone, and enabling it installs it first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'installer-builtins-'));
  await writeFile(join(folder, 'shipped-1.0.0.zip'), pluginArchive({ id: 'shipped', version: '1.0.0' }).bytes);
  await writeFile(join(folder, 'broken-1.0.0.zip'), 'no zip');
  const at = await room.startInstaller({ BUILTIN_PLUGINS_FOLDER: folder });
  await rm(folder, { recursive: true });
  const acme = await room.tenant();
  expect((await acme.call('GET', '/shipped', undefined, { at })).body.data).toMatchObject({
    state: 'registered',
    builtin: true,
  });
  const enabled = await acme.call('POST', '/shipped/enable', undefined, { at });
  expect(enabled.body.data).toMatchObject({ state: 'enabled', enabled: true, source: 'builtin', verified: true });
  expect(acme.hooks()).toEqual(['onInstall 1.0.0', 'onLoad 1.0.0', 'onEnable 1.0.0']);
  expect((await acme.call('POST', '/shipped/uninstall')).body.data).toMatchObject({ state: 'registered' });
});

function failing(when: boolean, stepId: string): StepOutcome | undefined {
  const error = { code: 'HOOK_FAILED', message: 'it broke', stack: 'at plugin.js:1' } as const;
  return when ? { kind: 'failed', stepId, error } : undefined;
}

test('an installer that stops answers who waits with 202, and another one finishes the operation', async () => {
  room.registry.publish(pluginArchive({ id: 'handed-over', version: '1.0.0' }));
  let go: () => void = () => undefined;
  const gate = new Promise<undefined>((resolve) => (go = () => resolve(undefined)));
  const acme = await room.tenant(({ hook }) => (hook === 'onInstall' ? gate : undefined));
  const leaving = await room.startInstaller({ HOOK_LIMIT_MS: '20000', INSTALL_HOOK_LIMIT_MS: '20000' });
  const answer = acme.call('POST', '/install', { id: 'handed-over' }, { at: leaving });
  await eventually(() => expect(acme.hooks()).toEqual(['onInstall 1.0.0']));
  await leaving.stop();
  expect((await answer).status).toBe(202);
  go();
  await eventually(async () => {
    expect((await acme.call('GET', '/handed-over')).body.data).toMatchObject({ state: 'installed' });
  });
});
