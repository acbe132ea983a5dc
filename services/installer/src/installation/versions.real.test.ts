import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answering } from '@verifywise/broker';
import { emptySurface, FindSurface, type StepOutcome } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { InstallerRoom, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
  // What the runner of any tenant says of the plugin `planned`.
  const surface = { ...emptySurface, events: ['risk:created'], routes: ['GET /board'], jobs: ['nightly'] };
  await room.broker.answerQuestions('plugin-runner', [
    answering(FindSurface, ({ pluginId }) => (pluginId === 'planned' ? surface : null)),
  ]);
}, 60_000);
afterAll(() => room.close(), 60_000);

function publish(id: string, version: string, more: Record<string, unknown> = {}, entry = {}): void {
  room.registry.publish(pluginArchive({ id, version, ...more }), entry);
}

async function install(tenant: Tenant, id: string, options = {}): Promise<void> {
  expect((await tenant.call('POST', '/install', { id, ...options })).body).toMatchObject({ success: true });
}

async function lastAudit(tenant: Tenant, id: string): Promise<unknown> {
  const { entries } = (await tenant.call('GET', `/${id}/audit?limit=1`)).body.data as { entries: unknown[] };
  return entries[0];
}

async function versionsOf(tenant: Tenant): Promise<string[]> {
  const { plugins } = (await tenant.call('GET', '')).body.data as { plugins: Record<string, string>[] };
  return plugins.map(({ id, version, state }) => `${id ?? ''} ${version ?? ''} ${state ?? ''}`).sort();
}

describe('an update that fails', () => {
  test.each(['onDisable', 'onUnload', 'onInstall', 'onLoad', 'onEnable'])(
    'in %s brings the version before back, enabled, and says so',
    async (hook) => {
      const id = `fails-in-${hook.toLowerCase()}`;
      publish(id, '1.0.0');
      const before = hook === 'onDisable' || hook === 'onUnload' ? '1.0.0' : '2.0.0';
      const acme = await room.tenant((request) =>
        request.hook === hook && request.installation.version === before && !request.stepId.endsWith(':undo')
          ? failed(request.stepId, `${hook} of ${id} failed: it broke`)
          : undefined,
      );
      await install(acme, id);
      await acme.call('POST', `/${id}/enable`);
      publish(id, '2.0.0');
      const answer = await acme.call('POST', `/${id}/update`);
      expect(answer.body.error).toEqual({
        code: 'HOOK_FAILED',
        message: `The update of ${id} to 2.0.0 failed: ${hook} of ${id} failed: it broke. The version before, 1.0.0, was restored and is enabled again`,
        details: { restored: { version: '1.0.0', enabled: true } },
      });
      expect((await acme.call('GET', `/${id}`)).body.data).toMatchObject({
        version: '1.0.0',
        state: 'enabled',
        previousVersion: null,
      });
      expect(
        (await acme.call('GET', `/operations/${answer.headers.get('x-operation-id') ?? ''}`)).body.data,
      ).toMatchObject({
        error: answer.body.error,
      });
    },
  );

  test('and whose old version does not start again either leaves it in error, and says that', async () => {
    publish('never-again', '1.0.0');
    let updating = false;
    const acme = await room.tenant(({ hook, stepId }) =>
      updating && (hook === 'onInstall' || hook === 'onLoad') ? failed(stepId, `${hook} is broken`) : undefined,
    );
    await install(acme, 'never-again');
    publish('never-again', '2.0.0');
    updating = true;
    const { error } = (await acme.call('POST', '/never-again/update')).body;
    expect(error.message).toBe(
      'The update of never-again to 2.0.0 failed: onInstall is broken. 1.0.0 is there again but could not be started: onLoad is broken',
    );
    expect((await acme.call('GET', '/never-again')).body.data).toMatchObject({ version: '1.0.0', state: 'error' });
  });
});

describe('an uploaded plugin', () => {
  test('is updated by uploading a newer version, and every other way says so', async () => {
    const acme = await room.tenant();
    const { bytes } = pluginArchive({ id: 'handmade', version: '1.0.0' });
    await acme.upload(bytes);
    const again = await acme.upload(bytes);
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'ALREADY_INSTALLED' } } });
    expect(again.body.error.message).toContain(
      'give the new package a higher version in its manifest.json and upload it',
    );
    const asked = await acme.call('POST', '/handmade/update');
    expect(asked).toMatchObject({ status: 409, body: { error: { code: 'NOTHING_TO_UPDATE' } } });
    expect(asked.body.error.message).toContain('upload it (POST /api/plugins/upload)');
    const newer = await acme.upload(pluginArchive({ id: 'handmade', version: '1.1.0' }).bytes);
    expect(newer.body.data).toMatchObject({ version: '1.1.0', previousVersion: '1.0.0' });
    expect((await acme.call('POST', '/handmade/rollback')).body.data).toMatchObject({ version: '1.0.0' });
  });
});

describe('dependencies', () => {
  test('are chosen so that everybody is suited, and go again when what needed them could not be installed', async () => {
    for (const version of ['1.0.0', '1.5.0', '2.0.0']) publish('bottom', version);
    publish('left-side', '1.0.0', { dependencies: { bottom: '^1.0.0' } });
    publish('right-side', '1.0.0', { dependencies: { bottom: '>=1.0.0' } });
    publish('summit', '1.0.0', { dependencies: { 'left-side': '*', 'right-side': '~1.0' } });
    const acme = await room.tenant();
    await install(acme, 'summit', { withDependencies: true });
    expect(await versionsOf(acme)).toEqual([
      ...[
        'bottom 1.5.0 installed',
        'left-side 1.0.0 installed',
        'right-side 1.0.0 installed',
        'summit 1.0.0 installed',
      ],
    ]);
    const globex = await room.tenant(({ hook, stepId, installation }) =>
      hook === 'onLoad' && installation.pluginId === 'summit' ? failed(stepId, 'no') : undefined,
    );
    const answer = await globex.call('POST', '/install', { id: 'summit', withDependencies: true });
    expect(answer.body.error.code).toBe('HOOK_FAILED');
    expect(await versionsOf(globex)).toEqual([]);
    expect(await versionsOf(acme)).toHaveLength(4);
  });

  test('that do not fit together, or need each other in a circle, are refused in words', async () => {
    publish('quarrel-base', '1.0.0');
    publish('quarrel-a', '1.0.0', { dependencies: { 'quarrel-base': '<2.0.0' } });
    publish('quarrel-b', '1.0.0', { dependencies: { 'quarrel-base': '>=2.0.0' } });
    publish('quarrel', '1.0.0', { dependencies: { 'quarrel-a': '*', 'quarrel-b': '*' } });
    publish('hen', '1.0.0', { dependencies: { egg: '*' } });
    publish('egg', '1.0.0', { dependencies: { hen: '*' } });
    const acme = await room.tenant();
    const refused = async (id: string) => {
      const { status, body } = await acme.call('POST', '/install', { id, withDependencies: true });
      return [status, body.error.code, body.error.message];
    };
    expect(await refused('quarrel')).toEqual([
      ...[409, 'DEPENDENCY_CONFLICT'],
      'quarrel-a 1.0.0 needs quarrel-base <2.0.0, quarrel-b 1.0.0 needs quarrel-base >=2.0.0, and there are only 1.0.0',
    ]);
    expect(await refused('hen')).toEqual([
      ...[409, 'DEPENDENCY_CONFLICT', expect.stringContaining('hen needs egg, egg needs hen')],
    ]);
    expect(await versionsOf(acme)).toEqual([]);
  });

  test('keep a plugin in the range that others need, unless an admin forces it', async () => {
    publish('engine', '1.0.0');
    publish('car', '1.0.0', { dependencies: { engine: '^1.0.0' } });
    const acme = await room.tenant();
    await install(acme, 'car', { withDependencies: true });
    publish('engine', '2.0.0');
    const refused = await acme.call('POST', '/engine/update');
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'DEPENDENCY_CONFLICT' } } });
    expect(refused.body.error.message).toContain('car 1.0.0 needs engine ^1.0.0, and engine would be 2.0.0');
    expect((await acme.call('POST', '/engine/update', { force: true })).status).toBe(200);
    expect((await acme.call('GET', '/engine/audit')).body.data.entries).toMatchObject([
      {
        ...{ action: 'update', request: { force: true }, outcome: 'succeeded' },
        after: { force: true, overridden: 'car 1.0.0 needs engine ^1.0.0' },
      },
      { action: 'update', request: {}, outcome: 'failed' },
      { action: 'install' },
    ]);
    expect((await acme.call('POST', '/car/enable', { withDependencies: true })).body.error.code).toBe(
      'DEPENDENCY_CONFLICT',
    );
    // What was out of range already is not made worse: nothing is forced.
    await acme.call('POST', '/engine/rollback', { force: true });
    expect(await lastAudit(acme, 'engine')).toMatchObject({ action: 'rollback', after: { version: '1.0.0' } });
    expect(await lastAudit(acme, 'engine')).not.toHaveProperty('after.overridden');
    const back = await acme.call('POST', '/engine/rollback');
    expect(back).toMatchObject({ status: 409, body: { error: { code: 'DEPENDENCY_CONFLICT' } } });
    await acme.call('POST', '/engine/rollback', { force: true });
    expect(await lastAudit(acme, 'engine')).toMatchObject({
      ...{ action: 'rollback', request: { force: true } },
      after: { version: '2.0.0', force: true, overridden: 'car 1.0.0 needs engine ^1.0.0' },
    });
  });

  test('that a new version brings along are enabled with it, and taken away again when it fails', async () => {
    publish('helper', '1.0.0');
    publish('boss', '1.0.0');
    const acme = await room.tenant();
    const globex = await room.tenant(({ hook, stepId, installation }) =>
      hook === 'onEnable' && installation.version === '2.0.0' ? failed(stepId, 'no') : undefined,
    );
    for (const tenant of [acme, globex]) {
      await install(tenant, 'boss');
      await tenant.call('POST', '/boss/enable');
    }
    publish('boss', '2.0.0', { dependencies: { helper: '^1.0.0' } });
    expect((await acme.call('POST', '/boss/update')).body.error.code).toBe('DEPENDENCIES_MISSING');
    await acme.call('POST', '/boss/update', { withDependencies: true });
    expect(await versionsOf(acme)).toEqual(['boss 2.0.0 enabled', 'helper 1.0.0 enabled']);
    const disabled = await acme.call('POST', '/helper/disable');
    expect(disabled.body.data).toMatchObject({ enabled: false, warnings: ['boss is enabled and needs helper'] });
    expect((await globex.call('POST', '/boss/update', { withDependencies: true })).body.error.code).toBe('HOOK_FAILED');
    expect(await versionsOf(globex)).toEqual(['boss 1.0.0 enabled']);
  });
});

test('what does not run on this host is passed over for the newest that does, or refused with the reason, or forced', async () => {
  publish('modern', '1.0.0', { compatibility: { minVersion: '1.6' } });
  publish('modern', '2.0.0', { compatibility: { minVersion: '9.0.0' } });
  publish('modern', '3.0.0-beta.1');
  const acme = await room.tenant();
  await install(acme, 'modern');
  expect(await versionsOf(acme)).toEqual(['modern 1.0.0 installed']);
  expect((await acme.call('POST', '/modern/update')).body.error.message).toContain(
    'the newest version that runs here; of 2.0.0: Plugin requires VerifyWise 9.0.0 or higher; this is 1.7.0',
  );
  expect((await acme.call('POST', '/modern/update', { version: '2.0.0' })).body.error).toMatchObject({
    code: 'INCOMPATIBLE',
  });
  const forced = await acme.call('POST', '/modern/update', { version: '2.0.0', force: true });
  expect(forced.body.data).toMatchObject({ version: '2.0.0' });
  const { entries } = (await acme.call('GET', '/modern/audit')).body.data as { entries: unknown[] };
  expect(entries[0]).toMatchObject({ after: { force: true, overridden: expect.stringContaining('9.0.0') } });
});

describe('an update plan', () => {
  const widget = { widgetId: 'risks-by-owner', template: 'list', title: 'Risks by owner', endpoint: '/owners' };

  test('of a version without code knows everything that it offers', async () => {
    publish('emptied', '1.0.0', { permissions: ['events:listen'] });
    const acme = await room.tenant();
    await install(acme, 'emptied');
    const ui = { dashboardWidgets: [widget] };
    room.registry.publish(
      pluginArchive({ id: 'emptied', version: '2.0.0', permissions: ['events:listen'], ui }, { 'README.md': '# It' }),
    );
    const { surface, unknown } = (await acme.call('GET', '/emptied/update-plan')).body.data as {
      surface: Record<string, { then: unknown; comes: unknown }>;
      unknown: unknown;
    };
    expect(Object.entries(surface).map(([kind, { then }]) => [kind, then])).toEqual([
      ...['events', 'filters', 'middleware', 'routes', 'webhooks', 'jobs'].map((kind) => [kind, []]),
      ['widgets', ['risks-by-owner']],
      ['pages', []],
    ]);
    expect(unknown).toBeNull();
  });

  test('counts with what an admin has given and taken away, not with what is declared', async () => {
    publish('regranted', '1.0.0', { permissions: ['events:listen'] });
    const acme = await room.tenant();
    await install(acme, 'regranted');
    await acme.call('PUT', '/regranted/permissions', { granted: ['filters:add'] });
    publish('regranted', '1.1.0', { permissions: ['events:listen'] });
    expect((await acme.call('GET', '/regranted/update-plan')).body.data).toMatchObject({
      surface: {
        events: { then: [] },
        filters: { then: 'unknown until it runs' },
        middleware: { then: [] },
      },
    });
  });

  test('tells what changes before anything does', async () => {
    publish('plan-base', '1.0.0');
    const config = { url: { type: 'string' }, old: { type: 'number' } };
    publish('planned', '1.0.0', { permissions: ['events:listen', 'config:read'], config });
    const acme = await room.tenant();
    await install(acme, 'planned');
    await acme.call('POST', '/planned/enable');
    publish('planned', '1.1.0', {}, { changelog: '- faster' });
    publish(
      'planned',
      '1.2.0',
      {
        permissions: ['config:read', 'http:outbound'],
        config: { url: { type: 'string', required: true }, limit: { type: 'number', default: 5 } },
        dependencies: { 'plan-base': '^1.0.0' },
        ui: { dashboardWidgets: [widget] },
      },
      { changelog: '- says more' },
    );
    publish('planned', '2.0.0', { compatibility: { minVersion: '9.0.0' } });
    const { status, body } = await acme.call('GET', '/planned/update-plan', undefined, { role: 'Viewer' });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      ...{ id: 'planned', installedVersion: '1.0.0', version: '1.2.0', direction: 'newer', compatible: true },
      heldBack: { version: '2.0.0', reason: expect.stringContaining('9.0.0') },
      size: { now: expect.any(Number), then: expect.any(Number) },
      permissions: { added: ['http:outbound'], removed: ['events:listen'], toAccept: ['http:outbound'] },
      surface: {
        events: { now: ['risk:created'], then: [], comes: [], goes: ['risk:created'] },
        routes: { now: ['GET /board'], then: 'unknown until it runs', comes: [], goes: [] },
        jobs: { now: ['nightly'], then: 'unknown until it runs' },
        widgets: { now: [], then: 'unknown until it runs', comes: ['risks-by-owner'] },
      },
      unknown: expect.stringMatching(/^Which routes, webhooks, jobs, widgets, pages 1\.2\.0 has, only its code says/),
      config: {
        added: [{ key: 'limit', required: false, default: 5 }],
        removed: ['old'],
        newlyRequired: ['url'],
        missing: ['url'],
      },
      dependencies: {
        added: { 'plan-base': '^1.0.0' },
        first: [
          { do: 'install', id: 'plan-base', version: '1.0.0' },
          { do: 'enable', id: 'plan-base' },
        ],
      },
      changelog: [
        { version: '1.2.0', changes: '- says more' },
        { version: '1.1.0', changes: '- faster' },
      ],
    });
    const { refusals } = body.data as { refusals: { code: string }[] };
    expect(refusals.map(({ code }) => code).sort()).toEqual([
      ...['CONFIG_MISSING', 'DEPENDENCIES_MISSING', 'PERMISSIONS_NOT_ACCEPTED'],
    ]);
    expect(room.registry.listed.get('plan-base')).toBe(1);
    expect((await acme.call('GET', '/planned')).body.data).toMatchObject({ version: '1.0.0', state: 'enabled' });

    const fetched = new Map(room.registry.downloads);
    const agreed = { withDependencies: true, acceptedPermissions: ['http:outbound'], config: { url: 'x' } };
    expect((await acme.call('POST', '/planned/update', agreed)).body.data).toMatchObject({ version: '1.2.0' });
    expect(room.registry.downloads.get('/planned-1.2.0.zip')).toBe(fetched.get('/planned-1.2.0.zip'));
  });

  test('says why an update would be refused, and is not there for what is not installed', async () => {
    publish('stays', '1.0.0');
    publish('stays', '2.0.0', { compatibility: { minVersion: '9.0.0' } });
    const acme = await room.tenant();
    expect((await acme.call('GET', '/stays/update-plan')).body.error.code).toBe('PLUGIN_NOT_INSTALLED');
    await install(acme, 'stays');
    expect((await acme.call('GET', '/stays/update-plan')).body.data).toMatchObject({
      direction: 'same',
      refusals: [{ code: 'NOTHING_TO_UPDATE' }],
    });
    expect((await acme.call('GET', '/stays/update-plan?version=2.0.0')).body.data).toMatchObject({
      compatible: false,
      incompatibility: expect.stringContaining('9.0.0'),
      refusals: [{ code: 'INCOMPATIBLE' }],
    });
    expect((await acme.call('GET', '/stays/update-plan?version=7.0.0')).status).toBe(404);
    expect((await acme.call('GET', '/stays/update-plan?version=banana')).status).toBe(400);
    publish('stays', '1.1.0', {}, { checksum: `sha256:${'0'.repeat(64)}` });
    expect((await acme.call('GET', '/stays/update-plan')).body.data).toMatchObject({
      config: null,
      size: { then: null },
      refusals: [{ code: 'CHECKSUM_MISMATCH' }],
    });
  });
});

function failed(stepId: string, message: string): StepOutcome {
  return { kind: 'failed', stepId, error: { code: 'HOOK_FAILED', message } };
}
