import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ApplyInstallation, PluginAlert, PluginFailed } from '@verifywise/contracts';
import type { Installation, PluginFailure } from '@verifywise/contracts';
import { hearing } from '@verifywise/broker';
import { inPostgres } from '../../../infra/local/src/backing/handshakes.ts';
import '../../../test/support/patience.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { InstallerRoom, type RunningInstaller, type Tenant } from './testing/installer-room.ts';
import { pluginArchive } from './testing/plugin-archive.ts';

const BUDGET = { PLUGIN_ERROR_BUDGET: '3/10m' };
const LOOP = {
  reason: 'hang',
  message: 'The plugin kept its event loop busy for more than 3 s and was ended',
} as const;

interface View {
  state: string;
  enabled: boolean;
  generation: number;
  lastError: { message: string; suggestedFix: string } | null;
}

describe('the error budget', () => {
  let room: InstallerRoom;
  let replicas: [RunningInstaller, RunningInstaller];
  const facts: { tenant: string | null; severity: string; suggestedFix?: string }[] = [];
  beforeAll(async () => {
    room = await InstallerRoom.open();
    replicas = [await room.startInstaller(BUDGET), await room.startInstaller(BUDGET)];
    room.registry.publish(pluginArchive({ id: 'shaky', version: '1.0.0' }));
    await room.broker.subscribe('scheduler', [
      hearing(PluginAlert, (alert, { tenant }) => {
        facts.push({ tenant, ...alert });
        return Promise.resolve();
      }),
    ]);
  }, 60_000);
  afterAll(() => room.close(), 60_000);

  async function withShaky(): Promise<Tenant> {
    const tenant = await room.tenant();
    await tenant.call('POST', '/install', { id: 'shaky' });
    await tenant.call('POST', '/shaky/enable');
    return tenant;
  }
  const view = async (tenant: Tenant, at?: RunningInstaller) =>
    (await tenant.call('GET', '/shaky', undefined, at ? { at } : {})).body.data as unknown as View;
  const alerts = async (tenant: Tenant) =>
    (await tenant.call('GET', '/alerts')).body.data as unknown as { severity: string; suggestedFix: string }[];
  const errors = async (tenant: Tenant, at?: RunningInstaller) =>
    (await tenant.call('GET', '/shaky/errors', undefined, at ? { at } : {})).body.data as {
      failures: { message: string; suggestedFix: string; at: string }[];
    };

  const waitingStarts = async (tenant: Tenant) => {
    const sql = 'SELECT 1 FROM installer.starts WHERE tenant = $1';
    return inPostgres(room.database.url, async (client) => (await client.query(sql, [tenant.name])).rows.length);
  };
  const startsTold = (tenant: Tenant) =>
    tenant.runner.received
      .filter(({ type }) => type === ApplyInstallation.name)
      .map(({ payload }) => (payload as { installation: Installation }).installation)
      .filter(({ desired, state }) => desired === 'enabled' && state === 'enabled');

  async function fails(
    tenant: Tenant,
    more: Partial<PluginFailure> = {},
    id: string = randomUUID(),
    time = new Date(),
  ) {
    const { generation } = await view(tenant);
    const payload = { pluginId: 'shaky', version: '1.0.0', generation, ...LOOP, ...more };
    await room.broker.publish(PluginFailed, { tenant: tenant.name, payload, id, time });
  }

  test('a stack is read by who manages plugins alone, and what no database keeps is replaced', async () => {
    const acme = await withShaky();
    const crash = { reason: 'unhandled', message: 'odd \0 \ud83d', stack: 'Error: odd\0\n    at index.js:1' } as const;
    await fails(acme, crash);
    await eventually(async () => expect((await view(acme)).lastError).not.toBeNull());
    const message = 'odd \uFFFD \uFFFD';
    const seenBy = async (role: string) => {
      const asked = ['', '/shaky', '/shaky/errors', '/alerts'].map(async (path) => {
        const { status, body } = await acme.call('GET', path, undefined, { role });
        expect([path, status]).toEqual([path, 200]);
        return JSON.stringify(body.data);
      });
      return Promise.all(asked);
    };
    for (const seen of await seenBy('Admin')) expect(seen).toContain('Error: odd\uFFFD\\n    at index.js:1');
    for (const seen of await seenBy('Viewer')) {
      expect(seen).toContain(message);
      expect(seen).not.toContain('index.js:1');
    }
    await eventually(() => expect(facts.filter(({ tenant }) => tenant === acme.name)).toHaveLength(1));
    expect(JSON.stringify(facts.filter(({ tenant }) => tenant === acme.name))).not.toContain('index.js:1');
  });

  test('below it the plugin stays enabled and its runner starts it again; used up it disables, whichever replica counts', async () => {
    const [acme, beta] = [await withShaky(), await withShaky()];
    const before = await view(acme);
    await fails(acme, {}, 'first');
    await fails(acme, {}, 'first');
    await eventually(async () => expect((await errors(acme)).failures).toHaveLength(1));
    const after = await view(acme);
    expect(after).toMatchObject({ state: 'enabled', enabled: true, lastError: { message: LOOP.message } });
    expect(after.generation).toBeGreaterThan(before.generation);
    await eventually(() => {
      const told = acme.runner.received.filter(({ type }) => type === ApplyInstallation.name).at(-1);
      const { installation } = told?.payload as { installation: Installation };
      expect(installation).toMatchObject({ generation: after.generation, desired: 'enabled', state: 'enabled' });
    });
    expect(await alerts(acme)).toMatchObject([
      { severity: 'warning', message: expect.stringMatching(/1 of 3 within 600 s.*started again/) },
    ]);
    await fails(acme);
    await eventually(async () => expect((await errors(acme)).failures).toHaveLength(2));
    expect((await view(acme)).enabled).toBe(true);
    await fails(acme);
    for (const at of replicas) {
      await eventually(async () =>
        expect(await view(acme, at)).toMatchObject({
          ...{ state: 'error', enabled: false },
          lastError: { code: 'HANDLER_TIMED_OUT', suggestedFix: expect.stringContaining('endless loop') },
        }),
      );
      expect((await errors(acme, at)).failures).toHaveLength(3);
    }
    const loop = expect.stringContaining('endless loop');
    expect(await alerts(acme)).toMatchObject([
      { severity: 'critical', suggestedFix: loop },
      { severity: 'warning', suggestedFix: loop },
    ]);
    await eventually(() => {
      const heard = facts.filter(({ tenant }) => tenant === acme.name);
      expect(heard.map(({ severity }) => severity).toSorted()).toEqual(['critical', 'warning']);
      expect(heard.every(({ suggestedFix }) => suggestedFix?.includes('endless loop'))).toBe(true);
    });
    expect(await view(beta)).toMatchObject({ enabled: true, lastError: null });
    expect(await errors(beta)).toMatchObject({ failures: [] });
    expect(await alerts(beta)).toEqual([]);
  });

  test('what is longer ago than its time does not count, nor does what was before the plugin was enabled again', async () => {
    const acme = await withShaky();
    const elevenMinutesAgo = new Date(Date.now() - 11 * 60_000);
    await fails(acme, {}, randomUUID(), elevenMinutesAgo);
    await fails(acme, {}, randomUUID(), elevenMinutesAgo);
    await eventually(async () => expect((await errors(acme)).failures).toHaveLength(2));
    await fails(acme);
    await fails(acme);
    await eventually(async () => expect((await errors(acme)).failures).toHaveLength(4));
    expect((await view(acme)).enabled).toBe(true);
    await fails(acme);
    await eventually(async () => expect((await view(acme)).state).toBe('error'));
    expect((await acme.call('POST', '/shaky/enable')).body.data).toMatchObject({ enabled: true, lastError: null });
    await fails(acme);
    await eventually(async () => expect((await errors(acme)).failures).toHaveLength(6));
    expect((await view(acme)).enabled).toBe(true);
  });

  test('what was counted and why it failed is still known when every installer was stopped and started again', async () => {
    const acme = await withShaky();
    for (let failures = 1; failures <= 2; failures += 1) {
      await fails(acme, { message: "Cannot find module 'left-pad'", reason: 'unhandled' });
      await eventually(async () => expect((await errors(acme)).failures).toHaveLength(failures));
    }
    await eventually(async () => expect(await waitingStarts(acme)).toBe(0));
    const known = { view: await view(acme), errors: await errors(acme), alerts: await alerts(acme) };
    expect(known.view.lastError?.suggestedFix).toContain('left-pad');
    for (const replica of replicas) await replica.stop();
    const at = await room.startInstaller(BUDGET);
    expect(await view(acme, at)).toEqual(known.view);
    expect(await errors(acme, at)).toEqual(known.errors);
    expect((await acme.call('GET', '/alerts', undefined, { at })).body.data).toEqual(known.alerts);
    const payload = { pluginId: 'shaky', version: '1.0.0', generation: known.view.generation, ...LOOP };
    await room.broker.publish(PluginFailed, { tenant: acme.name, payload });
    await eventually(async () => expect(await view(acme, at)).toMatchObject({ state: 'error', enabled: false }));
    await acme.call('POST', '/shaky/uninstall', undefined, { at });
    await acme.call('POST', '/install', { id: 'shaky' }, { at });
    expect(await errors(acme, at)).toMatchObject({ lastError: null, failures: [] });
    await at.stop();
  });

  describe('that allows many failures', () => {
    let generous: RunningInstaller;
    beforeAll(async () => {
      // The others were stopped before, and would count as they were told.
      generous = await room.startInstaller({ PLUGIN_ERROR_BUDGET: '1000/1h' });
    });
    const failures = async (tenant: Tenant) =>
      (await tenant.call('GET', '/shaky/errors?limit=100', undefined, { at: generous })).body.data
        .failures as unknown[];
    const withShakyHere = async () => {
      const tenant = await room.tenant();
      await tenant.call('POST', '/install', { id: 'shaky' }, { at: generous });
      await tenant.call('POST', '/shaky/enable', undefined, { at: generous });
      return tenant;
    };
    const failsHere = async (tenant: Tenant) => {
      const { generation } = await view(tenant, generous);
      const payload = { pluginId: 'shaky', version: '1.0.0', generation, ...LOOP };
      await room.broker.publish(PluginFailed, { tenant: tenant.name, payload });
    };
    const alertsHere = async (tenant: Tenant) =>
      (await tenant.call('GET', '/alerts?limit=500', undefined, { at: generous })).body.data as unknown as unknown[];

    test('a plugin that fails as fast as it starts is started later and later, and the admin is alerted once', async () => {
      const acme = await withShakyHere();
      const before = startsTold(acme).length;
      for (let failed = 1; failed <= 20; failed += 1) {
        await failsHere(acme);
        await eventually(async () => expect(await failures(acme)).toHaveLength(failed));
      }
      // At once, and after 1, 2, 4 and 8 s at most; the last failure leaves a minute's pause.
      expect(startsTold(acme).length - before).toBeLessThan(6);
      expect(await waitingStarts(acme)).toBe(1);
      expect(await alertsHere(acme)).toMatchObject([{ severity: 'warning' }]);
      expect(await view(acme, generous)).toMatchObject({ enabled: true });
    });

    test('it is started again when its pause is over, unless it was disabled meanwhile', async () => {
      const [acme, beta] = [await withShakyHere(), await withShakyHere()];
      const before = startsTold(acme).length;
      for (const tenant of [acme, beta]) {
        await failsHere(tenant);
        await eventually(async () => expect(await failures(tenant)).toHaveLength(1));
        await failsHere(tenant);
        await eventually(async () => expect(await failures(tenant)).toHaveLength(2));
      }
      await beta.call('POST', '/shaky/disable', undefined, { at: generous });
      const disabled = await view(beta, generous);
      await eventually(() => expect(startsTold(acme).length - before).toBe(2));
      await eventually(async () => expect(await waitingStarts(beta)).toBe(0));
      expect(await view(beta, generous)).toEqual(disabled);
    });

    test('of alerts the newest thousand of a tenant are kept, for ninety days', async () => {
      const [acme, beta] = [await withShakyHere(), await withShakyHere()];
      await inPostgres(room.database.url, async (client) => {
        const sql = `INSERT INTO installer.alerts (id, tenant, plugin_id, version, message, at)
          SELECT $1 || n, $1, 'shaky', '1.0.0', 'of ' || n, now() - n * $3::interval FROM generate_series(1, $2::int) AS n`;
        await client.query(sql, [acme.name, 1_005, '1 minute']);
        await client.query(sql, [beta.name, 3, '40 days']);
      });
      const kept = (tenant: Tenant) =>
        inPostgres(room.database.url, async (client) => {
          const sql = 'SELECT message FROM installer.alerts WHERE tenant = $1 ORDER BY at DESC';
          return (await client.query<{ message: string }>(sql, [tenant.name])).rows.map(({ message }) => message);
        });
      await failsHere(acme);
      await eventually(async () => expect((await kept(acme))[0]).toContain('started again'));
      expect(await kept(acme)).toHaveLength(1_000);
      expect((await kept(acme)).at(-1)).toBe('of 999');
      expect(await kept(beta)).toEqual(['of 1', 'of 2']);
    });
  });
});
