import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answering, hearing } from '@verifywise/broker';
import type { Installation, PluginFailure } from '@verifywise/contracts';
import { PlatformError, PluginFailed, SetConfigValue } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import { permissions } from '@verifywise/plugin-types';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

/** Uses one permission on `GET /do/<permission>`, and answers what came of it. */
const DOER = (url: string, readable: string) => `
const { readFile, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
let context;
const acts = {
  'database:read': async (ctx) => { ctx.models.getCoreModel('User'); return (await ctx.db.query('SELECT 1 AS one')).rows[0].one; },
  'database:write': async (ctx) => (await ctx.db.query('CREATE TABLE IF NOT EXISTS plugin_recorder_things (id int)')).rowCount >= 0,
  'events:emit': async (ctx) => { await ctx.emit('plugin:recorder:said', {}); return true; },
  'events:listen': (ctx) => { const heard = () => undefined; ctx.on('plugin:recorder:said', heard); ctx.off('plugin:recorder:said', heard); return true; },
  'filters:add': (ctx) => { const pass = (data) => data; ctx.addFilter('recorder:filter', pass); ctx.removeFilter('recorder:filter', pass); return true; },
  'config:read': (ctx) => ctx.config.get('color'),
  'config:write': async (ctx) => { await ctx.config.set('color', 'red'); return true; },
  'http:outbound': async (ctx) => (await ctx.http.fetch('${url}')).status,
  'filesystem:read': async () => readFile('${readable}', 'utf8'),
  'filesystem:write': async () => { await writeFile(join(tmpdir(), 'note'), 'hi'); return true; },
  'models:define': (ctx) => { ctx.models.define('Thing', { name: { type: 'STRING' } }); return ctx.models.has('Thing'); },
  'middleware:inject': (ctx) => ctx.middleware.remove(ctx.middleware.add('/api/risks', 'before', (req, res, next) => next())),
};
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.get('/do/:what', async (req, res) => {
      try { res.json({ answer: await acts[req.params.what](context) }); }
      catch (error) { res.json({ name: error.name, code: error.code, message: error.message }); }
    });
    router.get('/uncaught/:what', (req, res) => {
      setTimeout(() => acts[req.params.what](context), 1);
      setTimeout(() => res.json({ version: context.manifest.version }), 50);
    });
  },
};`;

const ALLOWED: Record<Permission, unknown> = {
  'database:read': 1,
  'database:write': true,
  'events:emit': true,
  'events:listen': true,
  'filters:add': true,
  'config:read': expect.stringMatching(/^(blue|red)$/),
  'config:write': true,
  'http:outbound': 200,
  'filesystem:read': 'readable',
  'filesystem:write': true,
  'models:define': true,
  'middleware:inject': true,
};
/** Node's permission model is set when a process starts, and open connections end with it. */
const RESTARTS: readonly string[] = ['filesystem:read', 'filesystem:write', 'http:outbound'];
const MANIFEST = { config: { color: { type: 'string', default: 'blue' } } };

/** Through a real runner: one tenant has everything on one version, one has nothing on another, and one changes its mind. */
describe('every permission', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let folder: string;
  let code: string;
  const failures: PluginFailure[] = [];
  const outside = createServer((_req, res) => res.end('hello'));
  beforeAll(async () => {
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    const { port } = outside.address() as AddressInfo;
    folder = await mkdtemp(join(tmpdir(), 'verifywise-readable-'));
    await writeFile(join(folder, 'file.txt'), 'readable');
    code = DOER(`http://127.0.0.1:${port}/`, join(folder, 'file.txt'));
    room = await RunnerRoom.open({ answers: (installer) => [setting(installer)] });
    runner = await room.startRunner({
      PLUGIN_EGRESS_ALLOW: `127.0.0.1:${port}`,
      PLUGIN_READABLE_FOLDERS: folder,
    });
    await room.broker.subscribe('installer', [
      hearing(PluginFailed, (failure) => Promise.resolve(void failures.push(failure))),
    ]);
    await room.enabled({ tenant: 'everything', code, granted: [...permissions], manifest: MANIFEST });
    await room.enabled({ tenant: 'nothing', version: '2.0.0', code, granted: [], manifest: MANIFEST });
  });
  afterAll(async () => {
    outside.close();
    await room.close();
    await rm(folder, { recursive: true, force: true });
  });

  const setting = (installer: RunnerRoom) =>
    answering(SetConfigValue, ({ pluginId, key, value }, { tenant }) => {
      const installation = installer.truth.get(`${tenant}/${pluginId}`);
      if (!installation) throw new PlatformError('PLUGIN_NOT_INSTALLED', 'unknown');
      const config = { ...installation.config, values: { ...installation.config.values, [key]: value } };
      const changed = { ...installation, config, generation: installer.nextGeneration() };
      installer.truth.set(`${tenant}/${pluginId}`, changed);
      return changed;
    });
  const act = async (tenant: string, what: string) => {
    const { body } = await runner.get(tenant, `/api/plugins/recorder/do/${what}`);
    return body;
  };
  const pidOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant)?.pid;
  const denied = (permission: string) => ({
    name: 'PermissionDeniedError',
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining(permission),
  });

  test.each(permissions)('%s allows when it is granted, and denies when it is not', async (permission) => {
    expect(await act('everything', permission)).toEqual({ answer: ALLOWED[permission] });
    // Who has neither is told of reading first.
    expect(await act('nothing', permission)).toEqual(denied(permission.replace('database:write', 'database:read')));
  });

  test.each(permissions)('%s is denied when it alone is taken away, and allowed when it is given back', async (one) => {
    const tenant = `without-${one.replace(':', '-')}`;
    const installation = await room.enabled({ tenant, code, granted: [...permissions], manifest: MANIFEST });
    const grant = async (granted: readonly string[]) => {
      const now = room.truth.get(`${tenant}/recorder`) ?? installation;
      await room.settle({ ...now, granted, generation: room.nextGeneration() } as Installation);
    };
    const before = await pidOf(tenant);
    await grant(permissions.filter((permission) => permission !== one));
    await eventually(async () => expect(await act(tenant, one)).toEqual(denied(one)));
    await grant(permissions);
    await eventually(async () => expect(await act(tenant, one)).toEqual({ answer: ALLOWED[one] }));
    const restarted = (await pidOf(tenant)) !== before;
    expect(restarted).toBe(RESTARTS.includes(one));
    await room.forget(installation);
  });

  test.each(permissions)('%s that is missing where nobody catches the error disables nothing', async (permission) => {
    const before = await pidOf('nothing');
    const { body } = await runner.get('nothing', `/api/plugins/recorder/uncaught/${permission}`);
    expect(body).toEqual({ version: '2.0.0' });
    expect(await pidOf('nothing')).toBe(before);
  });

  test('nothing of this has made a plugin fail', async () => {
    expect(failures).toEqual([]);
    const stages = (await runner.isolates()).map(({ tenant, stage }) => [tenant, stage]);
    expect(stages).toEqual(
      expect.arrayContaining([
        ['everything', 'enabled'],
        ['nothing', 'enabled'],
      ]),
    );
  });

  test('a handler hears and changes nothing any more once its permission is gone', async () => {
    const listener = `
      let context; const heard = [];
      module.exports = {
        onLoad(ctx) { context = ctx; },
        onEnable(ctx) {
          ctx.on('risk:created', ({ riskId }) => { heard.push(riskId); });
          ctx.addFilter('recorder:filter', (data) => ({ ...data, seen: true }));
        },
        routes(router) {
          router.get('/heard', async (req, res) => res.json({ heard, filtered: await context.applyFilters('recorder:filter', {}) }));
        },
      };`;
    const installation = await room.enabled({
      tenant: 'revoked',
      code: listener,
      granted: ['events:listen', 'filters:add'],
    });
    const seen = async () => (await runner.get('revoked', '/api/plugins/recorder/heard')).body;
    await room.emitRisk('revoked', 1);
    await eventually(async () => expect(await seen()).toEqual({ heard: [1], filtered: { seen: true } }));
    await room.settle({ ...installation, granted: [], generation: room.nextGeneration() });
    await eventually(async () => expect((await seen()).filtered).toEqual({}));
    await room.emitRisk('revoked', 2);
    await room.settle({ ...installation, granted: ['events:listen'], generation: room.nextGeneration() });
    await room.emitRisk('revoked', 3);
    await eventually(async () => expect((await seen()).heard).toContain(3));
    expect((await seen()).heard).toEqual([1, 3]);
  });
});
