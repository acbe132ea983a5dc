import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { DeletePluginData } from '@verifywise/contracts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';

const GRANTED = ['models:define', 'database:read', 'database:write'];
const UPDATING = { state: 'updating', desired: 'enabled' } as const;
const ENABLED = { state: 'enabled', desired: 'enabled' } as const;

/** Its models are defined in `onInstall` only; its routes use them in every later life. */
function trail(onInstall: string, more = ''): string {
  return `
let context;
module.exports = {
  async onInstall(context) {
    ${onInstall}
  },
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.get('/list', (req, res) => res.json({ models: context.models.list() }));
    router.post('/entries', async (req, res) => res.json(await context.models.get('AuditLog').create(req.body)));
    router.get('/entries', async (req, res) => {
      const { rows, count } = await context.models.get('AuditLog').findAndCountAll({ order: ['id'], include: context.models.has('Author') ? ['author'] : [] });
      res.json({ rows, count });
    });
    router.get('/wrong', (req, res) => context.models.get('AuditLog').findAll({ where: { nope: 1 } })
      .then(() => res.json({}), (error) => res.json({ code: error.code, message: error.message })));
  },
  ${more}
};`;
}

const FIRST = trail(`
    context.models.define('AuditLog', { action: { type: 'STRING', allowNull: false } });
    await context.models.sync();`);

const SECOND = trail(`
    context.models.define('Author', { name: { type: 'STRING' } }, { timestamps: false });
    context.models.associate('AuditLog', 'belongsTo', 'Author', { as: 'author' });
    await context.models.sync({ alter: true });
    await context.models.get('Author').create({ name: 'Ada' });`);

describe('models over the lives of a plugin', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const installed = (tenant: string, version: string, code: string) =>
    room.install({ tenant, id: 'audit-trail', version, code, granted: GRANTED });
  const add = (tenant: string, body: object) =>
    runner.fetch(tenant, '/api/plugins/audit-trail/entries', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/audit-trail/entries')).body;
  const list = async (tenant: string) => (await runner.get(tenant, '/api/plugins/audit-trail/list')).body.models;

  /** The steps of the installer: the old version leaves, the new one is installed, loaded, enabled. */
  async function update(from: Installation, to: Installation): Promise<Installation> {
    for (const hook of ['onDisable', 'onUnload'] as const) await room.stepDone(from, hook, UPDATING);
    const options = { reason: 'update', fromVersion: from.version } as const;
    await room.stepDone(to, 'onInstall', UPDATING, options);
    await room.stepDone(to, 'onLoad', UPDATING);
    return room.settle(await room.stepDone(to, 'onEnable', ENABLED));
  }

  test('two tenants on two versions have each their own models, and an update inherits what it does not define anew', async () => {
    const acme = await room.enable(await installed('acme', '1.0.0', FIRST));
    await room.enable(await installed('globex', '1.0.0', FIRST));
    expect(await list('acme')).toEqual(['AuditLog']);
    expect((await add('acme', { action: 'login' })).status).toBe(200);
    expect(await seen('globex')).toEqual({ rows: [], count: 0 });

    const second = await update(acme, await installed('acme', '1.1.0', SECOND));
    expect(await list('acme')).toEqual(['AuditLog', 'Author']);
    expect(await list('globex')).toEqual(['AuditLog']);
    expect((await add('acme', { action: 'export', authorId: 1 })).status).toBe(200);
    expect(await seen('acme')).toMatchObject({
      count: 2,
      rows: [
        { id: 1, action: 'login', authorId: null, author: null },
        { id: 2, action: 'export', authorId: 1, author: { id: 1, name: 'Ada' } },
      ],
    });

    // Back to where it was: the version finds its own definitions, and the rows are all there.
    for (const hook of ['onDisable', 'onUnload'] as const) await room.stepDone(second, hook, UPDATING);
    await room.stepDone(acme, 'onLoad', UPDATING);
    await room.settle(await room.stepDone(acme, 'onEnable', ENABLED));
    expect(await list('acme')).toEqual(['AuditLog']);
    const { rows } = (await seen('acme')) as { rows: object[] };
    expect(rows).toHaveLength(2);
    expect(rows[1]).not.toHaveProperty('authorId');
  });

  test('definitions outlive the runner', async () => {
    await room.enable(await installed('initech', '1.0.0', FIRST));
    await add('initech', { action: 'login' });
    await room.stopRunners();
    runner = await room.startRunner();
    expect(await seen('initech')).toMatchObject({ count: 1 });
    const { body } = await runner.get('initech', '/api/plugins/audit-trail/wrong');
    expect(body).toEqual({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('AuditLog has no attribute "nope"'),
    });
  });

  test('a definition alone is kept, too, and is gone with the data', async () => {
    const installation = await room.enable(
      await installed('stark', '1.0.0', trail(`context.models.define('AuditLog', { action: { type: 'STRING' } });`)),
    );
    expect(await list('stark')).toEqual(['AuditLog']);
    await room.disable(installation);
    await room.stepDone(installation, 'onUninstall', { state: 'uninstalling', desired: 'absent' });
    await room.forget(installation);
    const payload = {
      stepId: randomUUID(),
      operationId: randomUUID(),
      pluginId: 'audit-trail',
      generation: room.nextGeneration(),
    };
    await room.broker.sendAndWait(DeletePluginData, { tenant: 'stark', payload }, { deadlineMs: 10_000 });
    await room.enable(await installed('stark', '1.0.0', trail('')));
    expect(await list('stark')).toEqual([]);
  });

  test('a hook that has defined what cannot be kept has failed, also when it waits for nothing', async () => {
    const many = `for (let n = 0; n <= 100; n += 1) context.models.define('Many' + n, { n: { type: 'INTEGER' } });`;
    const installation = await installed('hasty', '1.0.0', trail(many));
    const { outcome } = await room.step(installation, 'onInstall', { state: 'installed', desired: 'disabled' });
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'HOOK_FAILED', message: expect.stringMatching(/^onInstall of audit-trail failed: .*100 models/) },
    });
  });

  test('what a plugin was not granted, its models cannot do', async () => {
    const define = `context.models.define('AuditLog', { action: { type: 'STRING' } });`;
    const refused = async (granted: string[], code: string) => {
      const installation = await room.install({
        tenant: 'umbrella',
        id: 'refused',
        granted,
        code: `module.exports = { async onInstall(context) { ${code} } }`,
      });
      const { outcome } = await room.step(installation, 'onInstall', { state: 'installed', desired: 'disabled' });
      return outcome.kind === 'failed' ? outcome.error.message : 'done';
    };
    expect(await refused(['database:write'], define)).toMatch(/models:define/);
    expect(await refused(['models:define'], `${define} await context.models.sync();`)).toMatch(/database:write/);
    expect(
      await refused(['models:define', 'database:read'], `${define} await context.models.get('AuditLog').create({});`),
    ).toMatch(/database:write/);
    expect(await refused(['models:define'], `context.models.getCoreModel('User');`)).toMatch(/database:read/);
    expect(await refused(GRANTED, `${define} await context.models.sync();`)).toBe('done');
  });
});
