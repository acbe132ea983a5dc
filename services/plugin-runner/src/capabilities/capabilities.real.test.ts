import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answering } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import { PlatformError, SetConfigValue } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import { secrets } from '../testing/runner-process.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

/** Does on `GET /do/<what>` what its context offers, and answers what came of it. */
const DOER = `
let context;
const heard = [];
const acts = {
  listen: (ctx) => { ctx.on('plugin:recorder:said', (payload) => heard.push(payload)); },
  emit: (ctx) => ctx.emit('plugin:recorder:said', { words: 'hello', tenant: 'forged', source: 'forged' }),
  'emit-core': (ctx) => ctx.emit('risk:created', {}),
  heard: () => heard,
  get: (ctx) => ({ color: ctx.config.get('color'), size: ctx.config.get('size'), gone: ctx.config.get('gone', 'fallback'), token: ctx.config.get('token') }),
  set: (ctx) => ctx.config.set('color', 'red'),
  odd: (ctx) => {
    ctx.config.get('size').push(6);
    return [ctx.config.get('constructor', 'none'), ctx.config.get('size')];
  },
  big: (ctx) => ctx.config.set('size', 1n),
  later: (ctx) => ctx.scheduler.schedule('later', () => undefined, { every: 60_000 }, { big: 1n }),
  many: async (ctx) => {
    const value = { number: 0 };
    const sets = Array.from({ length: 200 }, (_, id) => {
      value.number = id;
      return ctx.metadata.set('risk', id, 'many', value);
    });
    const others = Array.from({ length: 6_000 }, () => ctx.isPluginEnabled('other'));
    const uncloneable = await ctx.metadata.set('risk', 1, 'many', 1n).catch((error) => error.name);
    await Promise.all([...sets, ...others]);
    const kept = await ctx.metadata.findByKeyPrefix('risk', 'many');
    return { wrong: kept.filter(({ entityId, value }) => value.number !== entityId).length, kept: kept.length, uncloneable };
  },
  enabled: async (ctx) => [await ctx.isPluginEnabled('recorder'), await ctx.isPluginEnabled('other')],
};
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.get('/do/:what', async (req, res) => {
      try { res.json({ answer: (await acts[req.params.what](context)) ?? null }); }
      catch (error) { res.json({ name: error.name, code: error.code, message: error.message }); }
    });
  },
};`;
const MANIFEST = {
  config: {
    color: { type: 'string', default: 'blue' },
    size: { type: 'number' },
    token: { type: 'string', secret: true },
  },
};

describe('what a plugin asks of the platform', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  const asked: unknown[] = [];
  beforeAll(async () => {
    room = await RunnerRoom.open({ answers: (installer) => [setting(installer)] });
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const setting = (installer: RunnerRoom) =>
    answering(SetConfigValue, ({ pluginId, key, value }, { tenant }) => {
      asked.push({ tenant, pluginId, key, value });
      const installation = installer.truth.get(`${tenant}/${pluginId}`);
      if (!installation) throw new PlatformError('PLUGIN_NOT_INSTALLED', 'unknown');
      const config = { ...installation.config, values: { ...installation.config.values, [key]: value } };
      const changed = { ...installation, config, generation: installer.nextGeneration() };
      installer.truth.set(`${tenant}/${pluginId}`, changed);
      return changed;
    });

  const act = async (tenant: string, what: string) =>
    (await runner.get(tenant, `/api/plugins/recorder/do/${what}`)).body;
  const configOf = (tenant: string): Installation['config'] => ({
    values: { size: 5 },
    secrets: { token: secrets.seal('hush', { tenant, pluginId: 'recorder', field: 'token' }) },
  });

  test('however much it is at once, is all done, each with what it was asked with', async () => {
    await room.enabled({ tenant: 'eager', code: DOER, granted: [] });
    expect(await act('eager', 'many')).toEqual({ answer: { kept: 200, wrong: 0, uncloneable: 'TypeError' } });
  });

  test('its own events reach itself, with the tenant and source the platform knows', async () => {
    await room.enabled({ tenant: 'talks', code: DOER, granted: ['events:listen', 'events:emit'] });
    expect(await act('talks', 'listen')).toEqual({ answer: null });
    await eventually(async () => {
      await act('talks', 'emit');
      const { answer } = await act('talks', 'heard');
      expect((answer as unknown[])[0]).toMatchObject({ words: 'hello', tenant: 'talks', source: 'plugin:recorder' });
    });
    expect(await act('talks', 'emit-core')).toMatchObject({ code: 'EVENT_INVALID' });
  });

  test('settings are stored values, else defaults, else the fallback; secrets are open; a change is asked of the installer', async () => {
    const granted = ['config:read', 'config:write'];
    await room.enabled({ tenant: 'reads', code: DOER, granted, manifest: MANIFEST, config: configOf('reads') });
    expect(await act('reads', 'get')).toEqual({ answer: { color: 'blue', size: 5, gone: 'fallback', token: 'hush' } });
    expect(await act('reads', 'set')).toEqual({ answer: null });
    expect(asked).toEqual([{ tenant: 'reads', pluginId: 'recorder', key: 'color', value: 'red' }]);
    expect(await act('reads', 'get')).toMatchObject({ answer: { color: 'red', token: 'hush' } });
  });

  test('a setting that is read is a copy, what is no setting is none, and what is no JSON is its mistake', async () => {
    const config = { values: { size: [5] }, secrets: {} };
    await room.enabled({ tenant: 'odd', code: DOER, granted: ['config:read', 'config:write'], config });
    expect(await act('odd', 'odd')).toEqual({ answer: ['none', [5]] });
    expect(await act('odd', 'big')).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await act('odd', 'later')).toMatchObject({ code: 'SCHEDULE_INVALID' });
  });

  test('it knows which plugins of its tenant are enabled', async () => {
    await room.enabled({ tenant: 'knows', code: DOER, granted: [] });
    await eventually(async () => expect(await act('knows', 'enabled')).toEqual({ answer: [true, false] }));
  });
});
