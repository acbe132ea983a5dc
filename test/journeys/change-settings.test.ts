import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inPostgres } from '../../infra/local/src/backing/handshakes.ts';
import { eventually } from '../support/eventually.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const PLUGIN = 'settings-reader';
/** It starts nine processes one after the other, on whatever machine this is. */
const ROTATIONS_LIMIT_MS = 300_000;
const [old, young] = ['k1', 'k2'].map((kid) => `${kid}:${randomBytes(32).toString('base64')}`);

let platform: TestPlatform;
let acme: PluginAuthor;
let globex: PluginAuthor;

const secret = { type: 'string', secret: true };
const manifest = (version: string) => ({
  ...{
    id: PLUGIN,
    name: 'Settings reader',
    description: 'Says what its settings are.',
    version,
    author: { name: 'Ada' },
  },
  ...{ type: 'feature', tags: [], permissions: ['config:read', 'config:write'] },
  config: {
    greeting: { type: 'string', default: `hello from ${version}` },
    cursor: { type: 'string' },
    proxy: {
      type: 'object',
      properties: { host: { type: 'string' }, port: { type: 'number', default: 80 }, password: secret },
    },
    accounts: { type: 'array', items: { type: 'object', properties: { url: { type: 'string' }, token: secret } } },
  },
});
const code = `
let context;
const startedAt = process.hrtime.bigint().toString();
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.get('/settings', (req, res) => res.json({ success: true, data: { startedAt, settings: context.config.getAll() } }));
    router.post('/set', async (req, res) => {
      await context.config.set(req.body.key, req.body.value);
      res.json({ success: true, data: context.config.get(req.body.key) });
    });
  },
};`;

beforeAll(async () => {
  // Both know both keys, as while keys change; the installer seals with the old one still.
  platform = await startTestPlatform({
    settingsOf: {
      installer: { PLUGIN_SECRETS_KEY: `${old},${young}` },
      'plugin-runner': { PLUGIN_SECRETS_KEY: `${young},${old}` },
    },
  });
  [acme, globex] = [await PluginAuthor.of(platform, 'acme'), await PluginAuthor.of(platform, 'globex')];
  await acme.upload(manifest('1.0.0'), { 'index.js': code });
  await globex.upload(manifest('2.0.0'), { 'index.js': code });
  for (const tenant of [acme, globex]) expect(await tenant.enable(PLUGIN)).toMatchObject({ status: 200 });
});
afterAll(() => platform.stop());

const seen = async (tenant: PluginAuthor) =>
  (await tenant.data(PLUGIN, '/settings')) as { startedAt: string; settings: Record<string, unknown> };
const put = (tenant: PluginAuthor, config: object) => tenant.put(`/api/plugins/${PLUGIN}/config`, { config });

test('a plugin that runs sees what an admin changes, secrets and defaults in objects too, and is not started again', async () => {
  const before = await seen(acme);
  expect(before.settings).toEqual({ greeting: 'hello from 1.0.0' });
  const saved = await put(acme, {
    greeting: 'changed',
    proxy: { host: 'proxy.example', password: 'acme password' },
    accounts: [
      { url: 'a', token: 'acme token a' },
      { url: 'b', token: 'acme token b' },
    ],
  });
  expect(saved).toMatchObject({ status: 200 });
  expect(JSON.stringify(saved.data)).not.toMatch(/acme (password|token)/);
  const settings = {
    greeting: 'changed',
    proxy: { host: 'proxy.example', port: 80, password: 'acme password' },
    accounts: [
      { url: 'a', token: 'acme token a' },
      { url: 'b', token: 'acme token b' },
    ],
  };
  await eventually(async () => expect(await seen(acme)).toEqual({ startedAt: before.startedAt, settings }));

  await put(acme, { accounts: [{ url: 'b', token: '••••••••' }], greeting: null });
  const fewer = { ...settings, greeting: 'hello from 1.0.0', accounts: [{ url: 'b', token: 'acme token b' }] };
  await eventually(async () => expect((await seen(acme)).settings).toEqual(fewer));
});

test('another tenant, on another version, has settings of its own', async () => {
  await put(globex, { proxy: { password: 'globex password' } });
  await eventually(async () =>
    expect((await seen(globex)).settings).toEqual({
      greeting: 'hello from 2.0.0',
      proxy: { port: 80, password: 'globex password' },
    }),
  );
  expect(JSON.stringify(await seen(acme))).not.toContain('globex');
});

test('what the plugin sets itself goes the same way, and the history says that it was the plugin', async () => {
  expect((await acme.post(`/api/plugins/${PLUGIN}/set`, { key: 'cursor', value: 'page 2' })).data).toBe('page 2');
  const view = (await acme.get(`/api/plugins/${PLUGIN}/config`)).data;
  expect(view).toMatchObject({ config: { cursor: 'page 2' } });
  const history = (await acme.get(`/api/plugins/${PLUGIN}/config/history?limit=1`)).data;
  expect(history.entries).toMatchObject([{ field: 'cursor', after: 'page 2', actor: { service: `plugin:${PLUGIN}` } }]);
});

test(
  'secrets change their key while the platform runs, runners and all, and the plugin reads on',
  async () => {
    const rotate = async () => {
      const env = { ...process.env, DATABASE_URL: platform.backing.databaseUrl, PLUGIN_SECRETS_KEY: `${young},${old}` };
      const script = join(import.meta.dirname, '../../infra/local/src/rotate-secrets.ts');
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], { env });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (output += text.toString()));
      const [exitCode] = (await once(child, 'close')) as [number | null];
      return { exitCode, output };
    };
    const before = await seen(acme);
    const first = await rotate();
    expect(first.output).toContain('installer: settings of plugins: 3 with k1\n');
    expect(first.output).toContain('installer: settings of plugins: 3 sealed anew with k2, 0 left');
    await eventually(async () => expect(await copiesWithOldKey()).toEqual([{ count: 0 }]));
    expect(await rotate()).toMatchObject({ exitCode: 0 });
    await put(acme, { greeting: 'after' });
    await eventually(async () => expect((await seen(acme)).settings.greeting).toBe('after'));
    expect(await seen(acme)).toEqual({ ...before, settings: { ...before.settings, greeting: 'after' } });
    expect((await seen(globex)).settings).toMatchObject({ proxy: { password: 'globex password' } });
  },
  ROTATIONS_LIMIT_MS,
);

/** What runners would still need the old key for. */
function copiesWithOldKey(): Promise<unknown[]> {
  return inPostgres(platform.backing.databaseUrl, async (client) => {
    const answer = await client.query(
      `SELECT count(*)::integer AS count FROM plugin_runner.installations WHERE installation::text LIKE '%v1:k1:%'`,
    );
    return answer.rows as unknown[];
  });
}
