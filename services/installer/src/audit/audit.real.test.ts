import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PluginFailed, type Page } from '@verifywise/contracts';
import { compileSchema } from '@verifywise/service-kit';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { alertAnswer, auditAnswer, permissionsAnswer } from '../http/answer-schemas.ts';
import { InstallerRoom, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';
import type { AuditLine } from './audit-log.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
}, 180_000);
afterAll(() => room.close(), 60_000);

const audit = async (tenant: Tenant, path: string) =>
  (await tenant.call('GET', path)).body.data as unknown as Page<AuditLine>;
const told = ({ entries }: Page<AuditLine>) => entries.map(({ action, outcome }) => `${action} ${outcome}`).reverse();

function upload(bytes: Buffer): FormData {
  const form = new FormData();
  form.append('plugin', new Blob([new Uint8Array(bytes)]), 'plugin.zip');
  return form;
}

describe('the audit log', () => {
  test('tells of every action in order: who, when, what, before and after, and the operation', async () => {
    const config = { key: { type: 'string', secret: true }, limit: { type: 'number', default: 5 } };
    const entry = room.registry.publish(
      pluginArchive({ id: 'whole', version: '1.0.0', config, permissions: ['events:listen'] }),
    );
    const acme = await room.tenant();
    const { id, version, downloadUrl, checksum } = entry;
    await acme.call('POST', '/install-from-url', { id, name: id, version, downloadUrl, checksum });
    await acme.call('PUT', '/whole/config', { config: { key: 'very-secret', limit: 6 } });
    await acme.call('PUT', '/whole/config', { config: { limit: 6 } });
    await acme.call('PUT', '/whole/permissions', { granted: ['events:listen', 'http:outbound'] });
    const enabled = await acme.call('POST', '/whole/enable');
    await acme.call('POST', '/whole/enable');
    room.registry.publish(
      pluginArchive({ id: 'whole', version: '1.1.0', config, permissions: ['events:listen', 'config:read'] }),
    );
    await acme.call('POST', '/whole/update');
    await acme.call('POST', '/whole/update', { acceptedPermissions: ['config:read'] });
    await acme.call('POST', '/whole/rollback');
    await acme.call('POST', '/upload', upload(pluginArchive({ id: 'whole', version: '3.0.0', config }).bytes));
    await acme.call('POST', '/whole/disable');
    await acme.call('POST', '/whole/uninstall', { deleteData: true });

    const page = await audit(acme, '/whole/audit');
    expect(told(page)).toEqual([
      ...['install-from-url succeeded', 'config succeeded', 'permissions succeeded', 'enable succeeded'],
      ...['enable unchanged', 'update failed', 'update succeeded', 'rollback succeeded', 'upload succeeded'],
      ...['disable succeeded', 'uninstall succeeded'],
    ]);
    const lines = [...page.entries].reverse();
    for (const line of lines) {
      expect(line).toMatchObject({ pluginId: 'whole', actor: { userId: '7', role: 'Admin', name: 'Ada' } });
      expect(Date.parse(line.at)).not.toBeNaN();
    }
    expect(lines.slice(0, 4)).toMatchObject([
      {
        before: null,
        after: { version: '1.0.0', state: 'installed', granted: ['events:listen'] },
        request: { version },
      },
      { before: { key: null, limit: null }, after: { key: '••••••••', limit: 6 }, operationId: null, request: null },
      { before: { granted: ['events:listen'] }, after: { granted: ['events:listen', 'http:outbound'] } },
      {
        before: { state: 'installed' },
        after: { state: 'enabled' },
        operationId: enabled.headers.get('x-operation-id'),
      },
    ]);
    expect(lines[5]).toMatchObject({ error: { code: 'PERMISSIONS_NOT_ACCEPTED' }, after: null });
    expect(lines[6]).toMatchObject({
      before: { version: '1.0.0', granted: ['events:listen', 'http:outbound'] },
      after: { version: '1.1.0', granted: ['events:listen', 'http:outbound', 'config:read'] },
      request: { acceptedPermissions: ['config:read'] },
    });
    expect(lines.at(-1)).toMatchObject({ before: { version: '3.0.0' }, after: { deleteData: true } });
    expect(JSON.stringify(page)).not.toContain('very-secret');
    expect(compileSchema(auditAnswer)(page)).toBe(true);
  });

  test('tells what force went past, and what was done because of something else', async () => {
    room.registry.publish(pluginArchive({ id: 'floor', version: '1.0.0' }));
    room.registry.publish(
      pluginArchive({
        ...{ id: 'tomorrow', version: '1.0.0', dependencies: { floor: '*' } },
        compatibility: { minVersion: '99.0.0' },
      }),
    );
    const acme = await room.tenant(({ hook, stepId }) =>
      hook === 'onUninstall'
        ? { kind: 'failed', stepId, error: { code: 'HOOK_FAILED', message: 'it will not go' } }
        : undefined,
    );
    await acme.call('POST', '/install', { id: 'tomorrow', withDependencies: true });
    const body = { id: 'tomorrow', withDependencies: true, force: true };
    const forced = (await acme.call('POST', '/install', body)).headers.get('x-operation-id');
    await acme.call('POST', '/floor/uninstall', { cascade: true, force: true });
    const page = await audit(acme, '/audit');
    expect(told(page)).toEqual([
      ...['install failed', 'install succeeded', 'install succeeded', 'uninstall succeeded', 'uninstall succeeded'],
    ]);
    const [refused, floor, tomorrow, dependent] = [...page.entries].reverse();
    expect(refused).toMatchObject({ pluginId: 'tomorrow', error: { code: 'INCOMPATIBLE' } });
    expect(floor).toMatchObject({ pluginId: 'floor', parentOperationId: forced });
    expect(tomorrow).toMatchObject({
      request: { force: true },
      after: { force: true, overridden: expect.stringContaining('99.0.0') },
    });
    expect(dependent).toMatchObject({
      pluginId: 'tomorrow',
      after: { hookErrors: [{ message: expect.stringContaining('it will not go') }] },
    });
  });

  test('is for admins of the tenant alone, page by page, and outlives the plugin', async () => {
    room.registry.publish(pluginArchive({ id: 'paged', version: '1.0.0' }));
    const [acme, globex] = [await room.tenant(), await room.tenant()];
    await acme.call('POST', '/install', { id: 'paged' });
    await globex.call('POST', '/install', { id: 'paged' });
    for (const act of ['enable', 'disable', 'enable', 'disable']) await acme.call('POST', `/paged/${act}`);
    await acme.call('POST', '/paged/uninstall');
    for (const path of ['/paged/audit', '/audit']) {
      expect(await acme.call('GET', path, undefined, { role: 'Viewer' })).toMatchObject({ status: 403 });
      expect(await acme.call('GET', path, undefined, { role: null })).toMatchObject({ status: 401 });
      const whole = await audit(acme, path);
      expect(whole.entries).toHaveLength(6);
      const first = await audit(acme, `${path}?limit=4`);
      const second = await audit(acme, `${path}?limit=4&before=${first.next ?? ''}`);
      expect([...first.entries, ...second.entries]).toEqual(whole.entries);
      expect(second.next).toBeNull();
      expect(told(await audit(globex, path))).toEqual(['install succeeded']);
    }
    expect((await audit(acme, '/audit?action=enable')).entries).toHaveLength(2);
    expect((await audit(acme, '/audit?userId=8')).entries).toEqual([]);
    expect((await audit(acme, '/audit?pluginId=paged')).entries).toHaveLength(6);
    expect(await acme.call('GET', '/audit?before=banana')).toMatchObject({ status: 400 });
    expect(await acme.call('POST', '/install', { id: 'audit' })).toMatchObject({ status: 404 });
  });

  test('and the change it tells of happen together or not at all', async () => {
    room.registry.publish(pluginArchive({ id: 'together', version: '1.0.0', config: { limit: { type: 'number' } } }));
    const acme = await room.tenant();
    await acme.call('POST', '/install', { id: 'together' });
    await room.rows(`CREATE FUNCTION installer.no_audit() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.tenant = '${acme.name}' THEN RAISE EXCEPTION 'the log is full'; END IF; RETURN NEW; END $$`);
    await room.rows(
      'CREATE TRIGGER no_audit BEFORE INSERT ON installer.audit FOR EACH ROW EXECUTE FUNCTION installer.no_audit()',
    );
    try {
      expect(await acme.call('PUT', '/together/config', { config: { limit: 2 } })).toMatchObject({ status: 500 });
      expect(await acme.call('PUT', '/together/permissions', { granted: ['http:outbound'] })).toMatchObject({
        status: 500,
      });
    } finally {
      await room.rows('DROP TRIGGER no_audit ON installer.audit');
    }
    expect((await acme.call('GET', '/together/config')).body.data).toMatchObject({ config: {} });
    expect((await acme.call('GET', '/together/permissions')).body.data).toMatchObject({ granted: [] });
    expect((await acme.call('GET', '/together/config/history')).body.data).toMatchObject({ entries: [] });
  });
});

describe('permissions', () => {
  test('are granted beyond what is declared and taken away, in older names too, and a rollback gives nothing back', async () => {
    const first = ['events:listen', 'http:outbound'];
    room.registry.publish(pluginArchive({ id: 'granted', version: '1.0.0', permissions: [...first, 'fly'] }));
    room.registry.publish(pluginArchive({ id: 'granted', version: '2.0.0', permissions: first }));
    const [acme, globex] = [await room.tenant(), await room.tenant()];
    const installed = await acme.call('POST', '/install', {
      ...{ id: 'granted', version: '1.0.0', acceptedPermissions: ['events:subscribe', 'http:outbound'] },
    });
    expect(installed.status).toBe(201);
    expect(JSON.stringify(installed.body.data.warnings)).toContain('fly');
    await globex.call('POST', '/install', { id: 'granted', version: '1.0.0' });
    await acme.call('POST', '/granted/update');

    const put = (granted: string[]) => acme.call('PUT', '/granted/permissions', { granted });
    const changed = await put(['events:subscribe', 'read:risks']);
    expect(changed.body.data).toEqual({
      declared: first,
      granted: ['events:listen', 'database:read'],
      withheld: ['http:outbound'],
      additional: ['database:read'],
    });
    expect(compileSchema(permissionsAnswer)(changed.body.data)).toBe(true);
    const { generation } = (await acme.call('GET', '/granted')).body.data;
    await put(['database:read', 'events:listen']);
    expect((await acme.call('GET', '/granted')).body.data).toMatchObject({ generation });
    expect((await put(['fly'])).body.error).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('granted names fly; permissions are'),
    });
    expect(await acme.call('PUT', '/granted/permissions', { granted: [] }, { role: 'Viewer' })).toMatchObject({
      status: 403,
    });

    await acme.call('POST', '/granted/rollback');
    expect((await acme.call('GET', '/granted/permissions')).body.data).toMatchObject({
      granted: ['events:listen', 'database:read'],
      withheld: ['http:outbound'],
    });
    expect((await globex.call('GET', '/granted/permissions')).body.data).toMatchObject({ granted: first });
  });
});

describe('alerts', () => {
  test('are acknowledged once, by an admin of their tenant, and the log tells who', async () => {
    room.registry.publish(pluginArchive({ id: 'alarms', version: '1.0.0' }));
    const [acme, globex] = [await room.tenant(), await room.tenant()];
    await acme.call('POST', '/install', { id: 'alarms' });
    await acme.call('POST', '/alarms/enable');
    const { generation } = (await acme.call('GET', '/alarms')).body.data as { generation: number };
    const payload = { pluginId: 'alarms', version: '1.0.0', generation, reason: 'exit' as const, message: 'it ended' };
    await room.broker.publish(PluginFailed, { tenant: acme.name, payload });
    const alerts = async (query = '') =>
      (await acme.call('GET', `/alerts${query}`)).body.data as unknown as Record<string, unknown>[];
    await eventually(async () => expect(await alerts()).toHaveLength(1));
    const [alert] = await alerts('?acknowledged=false');
    expect(alert).toMatchObject({ acknowledgedBy: null, acknowledgedAt: null });
    expect(compileSchema(alertAnswer)(alert)).toBe(true);
    const path = `/alerts/${String(alert?.id)}/acknowledge`;

    expect(await globex.call('POST', path)).toMatchObject({
      status: 404,
      body: { error: { code: 'ALERT_NOT_FOUND' } },
    });
    expect(await acme.call('POST', path, undefined, { role: 'Viewer' })).toMatchObject({ status: 403 });
    const done = await acme.call('POST', path);
    expect(done).toMatchObject({ status: 200, body: { data: { acknowledgedBy: { userId: '7', name: 'Ada' } } } });
    expect(compileSchema(alertAnswer)(done.body.data)).toBe(true);
    expect((await acme.call('POST', path)).body.data).toEqual(done.body.data);
    expect(await alerts('?acknowledged=false')).toEqual([]);
    expect(await alerts('?acknowledged=true')).toEqual([done.body.data]);
    expect(told(await audit(acme, '/alarms/audit'))).toEqual([
      ...['install succeeded', 'enable succeeded', 'disable succeeded', 'acknowledge-alert succeeded'],
    ]);
    const [acknowledged, disabled] = (await audit(acme, '/alarms/audit')).entries;
    expect(disabled).toMatchObject({ actor: { service: 'installer' }, after: { error: { code: 'PLUGIN_CRASHED' } } });
    expect(acknowledged).toMatchObject({ actor: { userId: '7' }, after: { alertId: alert?.id, severity: 'critical' } });
  });
});

test('openapi.json tells the shapes of all of this', async () => {
  const { url } = await room.startInstaller();
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, object>>;
  };
  for (const [path, method] of [
    ['/api/plugins/audit', 'get'],
    ['/api/plugins/{id}/audit', 'get'],
    ['/api/plugins/{id}/config', 'get'],
    ['/api/plugins/{id}/config', 'put'],
    ['/api/plugins/{id}/config/history', 'get'],
    ['/api/plugins/{id}/permissions', 'get'],
    ['/api/plugins/{id}/permissions', 'put'],
    ['/api/plugins/alerts', 'get'],
    ['/api/plugins/alerts/{alertId}/acknowledge', 'post'],
  ] as const) {
    expect(paths[path]?.[method]).toMatchObject({
      responses: { 200: { content: { 'application/json': { schema: { properties: { data: expect.any(Object) } } } } } },
    });
  }
});
