import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventsOf } from '../../services/plugin-runner/src/testing/server-sent-events.ts';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { PluginAuthor } from '../support/plugin-author.ts';

const manifest = (version: string) => ({
  ...{ id: 'shaky', name: 'Shaky', description: 'Falls over when asked to', version, type: 'feature' },
  ...{ author: { name: 'Tests' }, permissions: [], config: {}, tags: [] },
  ui: { page: { title: `Shaky ${version}`, type: 'api', endpoint: '/life' } },
});
const code = `
const life = Math.random();
module.exports = {
  uiExtensions: { dashboardWidgets: [{ widgetId: 'life', title: 'Life', template: 'stats-card', endpoint: '/life' }] },
  onEnable(ctx) { ctx.logger.info('on my feet'); },
  routes(router) {
    router.get('/life', (req, res) => res.json({ success: true, data: { life } }));
    router.post('/fall', (req, res) => {
      res.json({ success: true, data: {} });
      setTimeout(() => { throw new Error("Cannot find module 'left-pad'"); });
    });
  },
};`;

let platform: TestPlatform;
let acme: PluginAuthor;
let globex: PluginAuthor;
beforeAll(async () => {
  platform = await startTestPlatform({ settings: { PLUGIN_ERROR_BUDGET: '2/10m' } });
  [acme, globex] = [await PluginAuthor.of(platform, 'acme'), await PluginAuthor.of(platform, 'globex')];
  await acme.upload(manifest('1.0.0'), { 'index.js': code });
  await globex.upload(manifest('2.0.0'), { 'index.js': code });
  for (const tenant of [acme, globex]) expect(await tenant.enable('shaky')).toMatchObject({ status: 200 });
});
afterAll(() => platform.stop());

async function life(tenant: PluginAuthor): Promise<unknown> {
  const answer = await tenant.get('/api/plugins/shaky/life');
  expect(answer).toMatchObject({ status: 200 });
  return answer.data.life;
}

test('each tenant sees what its own version shows', async () => {
  for (const [tenant, version] of [
    [acme, '1.0.0'],
    [globex, '2.0.0'],
  ] as const) {
    const { data } = await tenant.get('/api/plugins/ui-extensions');
    expect(data).toMatchObject({
      dashboardWidgets: [{ pluginId: 'shaky', widgetId: 'life' }],
      pages: [{ pluginId: 'shaky', title: `Shaky ${version}` }],
    });
  }
});

test('a plugin that falls over is on its feet again, and an admin who watches its log reads what happened', async () => {
  const [before, others] = [await life(acme), await life(globex)];
  await eventually(async () => {
    const { lines } = (await acme.get('/api/plugins/shaky/logs')).data as { lines: { message: string }[] };
    expect(lines).toMatchObject([{ message: 'on my feet' }]);
  });
  const watched = await eventsOf(await acme.fetch('/api/plugins/shaky/logs/stream'));
  const watchedByOthers = await eventsOf(await globex.fetch('/api/plugins/shaky/logs/stream'));
  await acme.post('/api/plugins/shaky/fall');
  await eventually(async () => expect(await life(acme)).not.toBe(before));
  expect(await acme.plugin('shaky')).toMatchObject({
    enabled: true,
    lastError: { message: expect.stringContaining('left-pad') },
  });
  await eventually(() => {
    const messages = watched.events.map(({ data }) => (data as { message: string }).message);
    expect(messages).toEqual([expect.stringContaining('left-pad'), 'on my feet']);
  });
  expect(watchedByOthers.events).toEqual([]);
  expect(await life(globex)).toBe(others);
  for (const stream of [watched, watchedByOthers]) await stream.close();
});

test('when it has used up its error budget it is disabled, and the admin is told what to do', async () => {
  await acme.post('/api/plugins/shaky/fall');
  await eventually(async () => expect(await acme.plugin('shaky')).toMatchObject({ state: 'error', enabled: false }));
  const suggestedFix = expect.stringContaining('bundle its dependencies');
  expect(await acme.plugin('shaky')).toMatchObject({
    lastError: { suggestedFix, stack: expect.stringContaining('index.js') },
  });
  const { data: alerts } = await acme.get('/api/plugins/alerts');
  expect(alerts).toMatchObject([
    { severity: 'critical', suggestedFix },
    { severity: 'warning', suggestedFix },
  ]);
  expect((await acme.get('/api/plugins/shaky/errors')).data).toMatchObject({
    failures: [{ suggestedFix }, { suggestedFix }],
  });
  await eventually(async () => {
    const { data } = await acme.get('/api/plugins/ui-extensions');
    expect(data).toEqual({ dashboardWidgets: [], pages: [] });
  });
  await eventually(async () => {
    const { lines } = (await acme.get('/api/plugins/shaky/logs?level=error')).data as { lines: unknown[] };
    expect(lines).toHaveLength(2);
  });
  expect((await globex.get('/api/plugins/alerts')).data).toEqual([]);
  expect(await globex.plugin('shaky')).toMatchObject({ enabled: true, lastError: null });
});
