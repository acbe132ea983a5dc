import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import '../../../test/support/patience.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { InstallerRoom } from './testing/installer-room.ts';
import { pluginArchive } from './testing/plugin-archive.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
}, 60_000);
afterAll(() => room.close(), 60_000);

describe('the life of a plugin', () => {
  test('it is installed, enabled, disabled and uninstalled with its data, each hook once and in order', async () => {
    const entry = room.registry.publish(pluginArchive({ id: 'whole-life', version: '1.0.0' }));
    const acme = await room.tenant();
    const { id, version, downloadUrl, checksum } = entry;

    const installed = await acme.call('POST', '/install-from-url', { id, name: id, version, downloadUrl, checksum });
    expect(installed.body).toMatchObject({ success: true, data: { state: 'installed', enabled: false, verified: true } });
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
    expect((data as unknown as { action: string }[]).map(({ action }) => action)).toEqual([
      ...['uninstall', 'disable', 'enable', 'install'],
    ]);
  });
});
