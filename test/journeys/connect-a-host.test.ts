import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { documentedProgram, firstLineOf, runProgram } from '../support/documented-programs.ts';
import { eventually } from '../support/eventually.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { PARTITIONS, startTestPlatform, type TestPlatform } from '../support/platform.ts';

const ID = 'gatekeeper';
/** What is looked at here is what plugins do, and not what happens when the machine is busy. */
const PATIENT = { MIDDLEWARE_DEADLINE_MS: '20000', FILTER_DEADLINE_MS: '20000' };

/** Stands before and after the platform's routes and in its filters; what it says tells its version. */
const code = (version: string) => `
const heard = [];
module.exports = {
  eventHandlers: () => ({ 'risk:created': ({ risk, source }) => void heard.push([risk.title, source]) }),
  routes(router) {
    router.get('/heard', (req, res) => res.json({ success: true, data: { heard, version: '${version}' } }));
  },
  async onEnable({ middleware, addFilter }) {
    middleware.add('/api/my-risks', 'after', (req, res, next) => {
      res.locals.responseBody.checked = '${version}';
      next();
    });
    middleware.add('/api/risks/*', 'before', (req, res, next) => {
      if (req.method === 'POST' && req.body.title === 'forbidden ${version}') {
        res.status(422).json({ success: false, error: { code: 'FORBIDDEN_TITLE', message: 'Not with ${version}' } });
        return;
      }
      if (req.method === 'POST') req.body.description = 'seen by ${version}';
      req.seenBy = '${version}';
      next();
    });
    middleware.add('/api/risks/:id', 'after', (req, res, next) => {
      res.locals.responseBody.checked = req.seenBy + ' before, ${version} after';
      res.set('x-checked-by', '${version}');
      next();
    });
    addFilter('risk:before_save', ({ risk, ...rest }) => {
      return { ...rest, risk: { ...risk, title: risk.title.trim() + ' (saved by ${version})' } };
    });
    addFilter('risk:after_load', ({ risk, ...rest }) => ({ ...rest, risk: { ...risk, loadedBy: '${version}' } }));
  },
};`;

const manifest = (version: string) => ({
  ...{ id: ID, name: 'Gatekeeper', description: 'Stands in the way.', version, author: { name: 'VerifyWise' } },
  ...{ type: 'feature', tags: ['test'], config: {} },
  permissions: ['middleware:inject', 'filters:add', 'events:listen'],
});

let platform: TestPlatform;
let acme: PluginAuthor;
let globex: PluginAuthor;
let bystander: PluginAuthor;
let projects: number[] = [];

beforeAll(async () => {
  platform = await startTestPlatform({ settingsOf: { 'demo-platform': PATIENT } });
  [acme, globex, bystander] = [
    await PluginAuthor.of(platform, 'acme'),
    await PluginAuthor.of(platform, 'globex'),
    await PluginAuthor.of(platform, 'initech'),
  ];
  await acme.upload(manifest('1.0.0'), { 'index.js': code('1.0.0') });
  await globex.upload(manifest('2.0.0'), { 'index.js': code('2.0.0') });
  for (const tenant of [acme, globex]) expect(await tenant.enable(ID)).toMatchObject({ status: 200 });
  projects = [await acme.project('A'), await globex.project('G'), await bystander.project('I')];
});
afterAll(() => platform.stop());

/** A risk as the platform answers it when it is read, and what was said beside it. */
async function riskOf(
  tenant: PluginAuthor,
  title: string,
): Promise<{ risk: Record<string, unknown>; said: unknown[] }> {
  const projectId = projects[[acme, globex, bystander].indexOf(tenant)];
  const made = await tenant.post('/api/risks', { projectId, title });
  expect(made).toMatchObject({ status: 201 });
  const read = await tenant.fetch(`/api/risks/${String(made.data['id'])}`);
  const body = (await read.json()) as { data: Record<string, unknown>; checked?: string };
  return { risk: body.data, said: [body.checked, read.headers.get('x-checked-by')] };
}

test('each tenant has its own version before, in the filters of and after the same route; others have none', async () => {
  for (const [tenant, version] of [
    [acme, '1.0.0'],
    [globex, '2.0.0'],
  ] as const) {
    // What a plugin offers is known a moment after it was enabled.
    const { risk, said } = await eventually(async () => {
      const seen = await riskOf(tenant, '  Bias ');
      expect(seen.said).toEqual([`${version} before, ${version} after`, version]);
      return seen;
    });
    expect(said[1]).toBe(version);
    expect(risk).toMatchObject({
      title: `Bias (saved by ${version})`,
      description: `seen by ${version}`,
      loadedBy: version,
    });
  }
  const { risk, said } = await riskOf(bystander, '  Bias ');
  expect(risk).toMatchObject({ title: '  Bias ', description: '' });
  expect([risk['loadedBy'], ...said]).toEqual([undefined, undefined, null]);
});

test('a plugin answers in the place of a route for its tenant only, and nothing is saved', async () => {
  const answers = async (tenant: PluginAuthor, project: number | undefined) =>
    tenant.post('/api/risks', { projectId: project, title: 'forbidden 1.0.0' });
  await eventually(async () => {
    expect(await answers(acme, projects[0])).toMatchObject({ status: 422, error: { code: 'FORBIDDEN_TITLE' } });
  });
  const before = (await acme.get('/api/risks')).data['total'];
  expect((await answers(acme, projects[0])).status).toBe(422);
  expect((await acme.get('/api/risks')).data['total']).toBe(before);
  expect((await answers(globex, projects[1])).status).toBe(201);
});

/** What the plugin has heard of risks, by the title and the host that told of it. */
async function heardBy(tenant: PluginAuthor): Promise<unknown> {
  return ((await tenant.data(ID, '/heard')) as { heard: unknown }).heard;
}

test('the host of docs/host.md has plugins: filters, middleware, events and their paths', async () => {
  const { brokerUrl, databaseUrl } = platform.backing;
  const program = runProgram(await documentedProgram('host.md', 'host.js'), {
    ...{ BROKER_URL: brokerUrl, DATABASE_URL: databaseUrl, PARTITIONS: String(PARTITIONS), PORT: '0' },
    PLATFORM_URL: platform.urls['demo-platform'],
  });
  const url = `http://127.0.0.1:${(await firstLineOf(program)).split(' ').at(-1) ?? ''}`;
  const create = async (tenant: string) => {
    const headers = { 'x-tenant': tenant, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/my-risks`, { method: 'POST', headers, body: '{"title":" Mine "}' });
    return answer.json();
  };
  await eventually(async () => {
    for (const [tenant, version] of [
      ['acme', '1.0.0'],
      ['globex', '2.0.0'],
    ] as const) {
      const data = expect.objectContaining({ title: `Mine (saved by ${version})` });
      expect(await create(tenant)).toEqual({ success: true, data, checked: version });
    }
  });
  expect(await create('initech')).toMatchObject({ data: { title: ' Mine ' } });
  await eventually(async () => {
    expect(await heardBy(acme)).toContainEqual(['Mine (saved by 1.0.0)', 'my-host']);
    expect(await heardBy(globex)).toContainEqual(['Mine (saved by 2.0.0)', 'my-host']);
  });
  const headers = { authorization: `Bearer ${await platform.token('acme')}` };
  const passed = await fetch(`${url}/api/plugins/${ID}/heard`, { headers });
  expect(await passed.json()).toMatchObject({ data: { version: '1.0.0' } });
  program.kill('SIGTERM');
  expect(await once(program, 'exit')).toEqual([0, null]);
});

test('an event published by plain AMQP, as docs/host.md shows, arrives at the handlers of its tenant', async () => {
  const { brokerUrl } = platform.backing;
  const env = { BROKER_URL: brokerUrl, PARTITIONS: String(PARTITIONS) };
  const program = runProgram(await documentedProgram('host.md', 'publish-event.js'), env);
  expect(await once(program, 'exit')).toEqual([0, null]);
  await eventually(async () => expect(await heardBy(acme)).toContainEqual(['Told over plain AMQP', 'my-host']));
  expect(JSON.stringify(await heardBy(globex))).not.toContain('plain AMQP');
});

test("a disabled plugin stands in nobody's way any more, and an update stands there as what it is now", async () => {
  await eventually(async () => expect((await riskOf(acme, 'a')).said[1]).toBe('1.0.0'));
  expect(await acme.disable(ID)).toMatchObject({ status: 200 });
  await eventually(async () => {
    const { risk, said } = await riskOf(acme, 'plain');
    expect([risk['title'], risk['loadedBy'], ...said]).toEqual(['plain', undefined, undefined, null]);
  });
  expect(await acme.enable(ID)).toMatchObject({ status: 200 });
  await acme.upload(manifest('3.0.0'), { 'index.js': code('3.0.0') });
  await eventually(async () => expect((await riskOf(acme, 'a')).said[1]).toBe('3.0.0'));
  await eventually(async () => expect((await riskOf(globex, 'g')).said[1]).toBe('2.0.0'));
});
