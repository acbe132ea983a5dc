import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

/** The 13 names of S:22.6. */
const CORE_MODELS = [
  ...['User', 'Project', 'Risk', 'Vendor', 'VendorRisk', 'Model', 'ModelRisk'],
  ...['Task', 'Incident', 'Policy', 'Training', 'Note', 'File'],
];
const ID = 'asker';

/** A plugin whose route does one thing with the context and answers what came of it. */
const code = (version: string) => `
let context;
const VERSION = '${version}';
const heard = [];
const hear = ({ n }) => void heard.push(n);
const things = {
  version: () => VERSION,
  async core({ name }) {
    const rows = await context.models.getCoreModel(name).findAll({ limit: 1000 });
    return rows.map((row) => row.toJSON());
  },
  async metadata({ word }) {
    const { metadata } = context;
    await metadata.setMany('risk', 7, { colour: word, size: 3, 'seen:at': new Date(0) });
    await metadata.setMany('risk', 8, { colour: word });
    await metadata.set('project', 7, 'colour', 'else');
    const found = await metadata.findByKey('risk', 'colour', word);
    const prefixed = await metadata.findByKeyPrefix('risk', 'seen:');
    const all = await metadata.getAllByPlugin();
    const deleted = [await metadata.delete('risk', 8, 'colour'), await metadata.delete('risk', 8, 'colour')];
    return {
      found: found.map(({ entityId, value }) => [entityId, value]),
      prefixed: prefixed.map(({ entityId, key, value }) => [entityId, key, value]),
      all: all.map(({ entityType, entityId, key }) => [entityType, entityId, key].join()).sort(),
      deleted,
      left: await metadata.getAll('risk', 7),
      ofOne: await metadata.deleteAll('risk', 7),
      ofPlugin: await metadata.deleteByPlugin(),
      after: await metadata.getAllByPlugin(),
    };
  },
  async jobs() {
    const { scheduler } = context;
    const yearly = { cron: '0 0 1 1 *' };
    for (const name of ['one', 'two', 'three']) await scheduler.schedule(name, () => undefined, yearly);
    return {
      exists: [await scheduler.exists('one'), await scheduler.exists('none')],
      cancelled: [await scheduler.cancel('one'), await scheduler.cancel('one')],
      left: (await scheduler.list()).map(({ name }) => name).sort(),
      all: await scheduler.cancelAll(),
      none: await scheduler.list(),
    };
  },
  middleware() {
    const { middleware } = context;
    const ids = [1, 2].map(() => middleware.add('/api/risks', 'before', (req, res, next) => next()));
    return {
      has: ids.map((id) => middleware.has(id)),
      removed: [middleware.remove(ids[0]), middleware.remove(ids[0])],
      listed: middleware.list().length,
      all: middleware.removeAll(),
      none: middleware.list(),
    };
  },
  listen: ({ on }) => void (on ? context.on('plugin:asker:said', hear) : context.off('plugin:asker:said', hear)),
  say: ({ n }) => context.emit('plugin:asker:said', { n }),
  heard: () => heard,
};
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.post('/do/:thing', async (req, res) => res.json({ success: true, data: (await things[req.params.thing](req.body)) ?? null }));
  },
};`;

const manifest = (version: string) => ({
  ...{ id: ID, name: 'Asker', description: 'Asks for everything.', version, author: { name: 'VerifyWise' } },
  ...{ type: 'feature', tags: ['test'], config: {} },
  permissions: ['database:read', 'models:define', 'events:listen', 'events:emit', 'middleware:inject'],
});

let platform: TestPlatform;
let acme: PluginAuthor;
let globex: PluginAuthor;
beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, globex] = [await PluginAuthor.of(platform, 'acme'), await PluginAuthor.of(platform, 'globex')];
  await Promise.all([
    acme.upload(manifest('1.0.0'), { 'index.js': code('1.0.0') }),
    globex.upload(manifest('2.0.0'), { 'index.js': code('2.0.0') }),
  ]);
  for (const tenant of [acme, globex]) expect(await tenant.enable(ID)).toMatchObject({ status: 200 });
});
afterAll(() => platform.stop());

async function does(tenant: PluginAuthor, thing: string, given: unknown = {}): Promise<unknown> {
  const answer = await tenant.send(ID, `/do/${thing}`, given);
  expect(answer).toMatchObject({ status: 200 });
  return answer.data;
}

test('each tenant asks its own version', async () => {
  expect([await does(acme, 'version'), await does(globex, 'version')]).toEqual(['1.0.0', '2.0.0']);
});

test('every core model of the platform is there, with rows of the tenant only', async () => {
  const project = await acme.project('Only of acme');
  await acme.risk(project, 'Only of acme');
  for (const name of CORE_MODELS) {
    for (const tenant of [acme, globex])
      expect([name, await does(tenant, 'core', { name })]).toEqual([name, expect.any(Array)]);
  }
  for (const name of ['Project', 'Risk']) {
    expect(JSON.stringify(await does(acme, 'core', { name }))).toContain('Only of acme');
    expect(JSON.stringify(await does(globex, 'core', { name }))).not.toContain('Only of acme');
  }
});

test.each(['blue', 'red'])(
  'metadata is found, counted and deleted in every way, by each tenant for itself: %s',
  async (word) => {
    const answers = await Promise.all([
      does(acme, 'metadata', { word }),
      does(globex, 'metadata', { word: `no ${word}` }),
    ]);
    for (const [index, said] of [word, `no ${word}`].entries()) {
      expect(answers[index]).toEqual({
        found: [
          [7, said],
          [8, said],
        ],
        prefixed: [[7, 'seen:at', '1970-01-01T00:00:00.000Z']],
        all: ['project,7,colour', 'risk,7,colour', 'risk,7,seen:at', 'risk,7,size', 'risk,8,colour'],
        deleted: [true, false],
        left: { colour: said, size: 3, 'seen:at': '1970-01-01T00:00:00.000Z' },
        ofOne: 3,
        ofPlugin: 1,
        after: [],
      });
    }
  },
);

test('jobs are looked up and cancelled, one and all', async () => {
  const expected = {
    exists: [true, false],
    cancelled: [true, false],
    left: ['three', 'two'],
    all: 2,
    none: [],
  };
  expect(await Promise.all([does(acme, 'jobs'), does(globex, 'jobs')])).toEqual([expected, expected]);
});

test('middleware is looked up and removed, one and all', async () => {
  expect(await does(acme, 'middleware')).toEqual({
    has: [true, true],
    removed: [true, false],
    listed: 1,
    all: 1,
    none: [],
  });
});

test('a handler that was taken off hears nothing more', async () => {
  await does(acme, 'listen', { on: true });
  await does(acme, 'say', { n: 1 });
  await eventually(async () => expect(await does(acme, 'heard')).toEqual([1]));
  await does(acme, 'listen', { on: false });
  await does(acme, 'say', { n: 2 });
  await does(acme, 'listen', { on: true });
  await does(acme, 'say', { n: 3 });
  await eventually(async () => expect(await does(acme, 'heard')).toContain(3));
  expect(await does(acme, 'heard')).toEqual([1, 3]);
});
