import { createHash, createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

const PLUGIN = 'minimal-test-plugin';
let platform: TestPlatform;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, globex] = [await Tenant.of(platform, 'acme'), await Tenant.of(platform, 'globex')];
  await Promise.all([acme.use(PLUGIN), globex.use(PLUGIN)]);
});
afterAll(() => platform.stop());

async function echoUrl(tenant: Tenant): Promise<string> {
  const { webhooks } = (await tenant.get(`/api/plugins/${PLUGIN}/webhooks`)).data as {
    webhooks: { name: string; url: string }[];
  };
  const url = webhooks.find(({ name }) => name === 'echo')?.url;
  if (url === undefined) throw new Error('The plugin has no webhook echo');
  return url;
}

async function send(url: string, body: string) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return { status: answer.status, body: (await answer.json()) as { data?: unknown; error?: unknown } };
}

test("a sender reaches the tenant whose URL it was given, and gets the plugin's own answer", async () => {
  const sent = JSON.stringify({ issue: 7 });
  for (const tenant of [acme, globex]) {
    expect(await send(await echoUrl(tenant), sent)).toMatchObject({
      status: 200,
      body: { data: { tenant: tenant.tenant, method: 'POST', body: { issue: 7 }, bytes: sent.length } },
    });
  }
});

test('a wrong token, an unknown webhook and an unknown plugin are the same 404', async () => {
  const url = await echoUrl(acme);
  const wrong = [
    url.replace(/[^/]+$/, 'x'.repeat(43)),
    url.replace('/echo/', '/nothing/'),
    url.replace(PLUGIN, 'no-such-plugin'),
    url.replace(/\/[^/]+$/, ''),
  ];
  const answers = await Promise.all(wrong.map((address) => send(address, '{}')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
});

test('a webhook of a disabled plugin is answered with 404, and works again when it is enabled', async () => {
  const url = await echoUrl(acme);
  await acme.disable(PLUGIN);
  await eventually(async () => expect((await send(url, '{}')).status).toBe(404));
  expect((await send(await echoUrl(globex), '{}')).status).toBe(200);
  await acme.enable(PLUGIN);
  await eventually(async () => expect((await send(url, '{}')).status).toBe(200));
});

test('a webhook accepted while the runner is dead is delivered when it is back', async () => {
  const url = await echoUrl(acme);
  platform.kill('plugin-runner', 'SIGKILL');
  const accepted = await send(url, '{"late":true}');
  expect([200, 202]).toContain(accepted.status);
  await platform.ready('plugin-runner');
  await eventually(async () => {
    const { data } = await acme.get(`/api/plugins/${PLUGIN}/webhooks/requests`);
    expect((data as unknown as { state: string }[]).map(({ state }) => state)).not.toContain('accepted');
    expect((data as unknown as { answerStatus: number }[])[0]).toMatchObject({ answerStatus: 200 });
  });
});

/** Takes large bodies, verifies by the gateway, and hangs in its first life where it is told to. */
const HOOKS = 'hook-keeper';
const manifestOf = (version: string) => ({
  id: HOOKS,
  name: 'Hook Keeper',
  description: 'Keeps what it is sent.',
  version,
  author: { name: 'Ada' },
  type: 'integration',
  tags: ['test'],
  permissions: ['config:read'],
  config: { secret: { type: 'string', secret: true } },
});
const codeOf = (version: string, onInstall = '') => `
const { createHash } = require('node:crypto');
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  async onInstall(ctx) { ${onInstall} },
  webhooks: () => ({
    large: { bodyLimit: 25 * 1024 * 1024, handler(req, res) {
      res.json({ bytes: req.rawBody.length, sha256: createHash('sha256').update(req.rawBody).digest('hex') });
    } },
    signed: { method: ['GET', 'POST'], verify: { scheme: 'github', secretConfigKey: 'secret' }, handler(req, res) {
      if (req.method === 'GET') res.send(req.query['hub.challenge']);
      else res.json({ version: '${version}', body: req.body });
    } },
    hangs: { async handler(req, res) {
      const lives = (await context.metadata.get('lives', 0, 'begun') ?? 0) + 1;
      await context.metadata.set('lives', 0, 'begun', lives);
      if (lives === 1) await new Promise(() => undefined);
      res.status(201).json({ lives, body: req.body });
    } },
  }),
};`;

describe('a plugin that says more of its webhooks', () => {
  let author: PluginAuthor;
  let other: PluginAuthor;
  const SECRET = 'it is a secret to everybody';
  const signed = (body: string) => ({
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    },
  });
  const requests = async () =>
    (await author.get(`/api/plugins/${HOOKS}/webhooks/requests`)).data as unknown as {
      requestId: string;
      outcome: string | null;
      answerStatus: number | null;
    }[];

  beforeAll(async () => {
    [author, other] = [await PluginAuthor.of(platform, 'initech'), await PluginAuthor.of(platform, 'umbrella')];
    for (const each of [author, other]) {
      await each.upload(manifestOf('1.0.0'), { 'index.js': codeOf('1.0.0') });
      expect(await each.put(`/api/plugins/${HOOKS}/config`, { config: { secret: SECRET } })).toMatchObject({
        status: 200,
      });
      expect(await each.enable(HOOKS)).toMatchObject({ status: 200 });
    }
  });

  test('gets a body of 25 MB byte for byte, and no more', async () => {
    const url = await author.webhookUrl(HOOKS, 'large');
    const body = randomBytes(25 * 1024 * 1024);
    const answer = await fetch(url, { method: 'POST', body });
    const sha256 = createHash('sha256').update(body).digest('hex');
    // It is handled within 2.5 s or after them.
    expect([200, 202]).toContain(answer.status);
    if (answer.status === 200) expect(await answer.json()).toEqual({ bytes: body.length, sha256 });
    await eventually(async () =>
      expect((await requests())[0]).toMatchObject({ outcome: 'answered', answerStatus: 200 }),
    );
    const [kept] = await requests();
    const shown = await author.get(`/api/plugins/${HOOKS}/webhooks/requests/${kept?.requestId ?? ''}`);
    const told = Buffer.from(shown.data.answerBodyBase64 as string, 'base64').toString();
    expect(JSON.parse(told)).toEqual({ bytes: body.length, sha256 });
    const tooLarge = await fetch(url, { method: 'POST', body: Buffer.alloc(body.length + 1) }).catch(() => undefined);
    expect([413, undefined]).toContain(tooLarge?.status);
    expect(await requests()).toHaveLength(1);
  });

  test('sees only what is signed with the secret that its admin has set, and every challenge', async () => {
    const url = await author.webhookUrl(HOOKS, 'signed');
    expect(await (await fetch(url, signed('{"a":1}'))).json()).toEqual({ version: '1.0.0', body: { a: 1 } });
    expect((await fetch(url, { ...signed('{"a":1}'), body: '{"a":2}' })).status).toBe(401);
    expect(await (await fetch(`${url}?hub.challenge=1158201444`)).text()).toBe('1158201444');
    expect((await fetch(url, { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD, POST');
  });

  test('a runner that is killed while the handler works leaves it to the next one', async () => {
    const url = await author.webhookUrl(HOOKS, 'hangs');
    const sending = fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' });
    const { data } = (await (await sending).json()) as { data: { requestId: string } };
    platform.kill('plugin-runner', 'SIGKILL');
    await eventually(
      async () =>
        expect((await author.get(`/api/plugins/${HOOKS}/webhooks/requests/${data.requestId}`)).data).toMatchObject({
          outcome: 'answered',
          answerStatus: 201,
          answerBodyBase64: Buffer.from('{"lives":2,"body":{"n":1}}').toString('base64'),
        }),
      { within: 60_000 },
    );
  });

  test('is being updated: what comes meanwhile is stored, and the new version handles it; another tenant stays', async () => {
    const url = await author.webhookUrl(HOOKS, 'signed');
    const slow = 'await new Promise((done) => setTimeout(done, 4_000));';
    const updating = author.upload(manifestOf('2.0.0'), { 'index.js': codeOf('2.0.0', slow) });
    const state = async () => (await author.plugin(HOOKS)).state;
    await eventually(async () => expect(await state()).toBe('updating'));
    const accepted = await eventually(async () => {
      const answer = await fetch(url, signed('{"during":"update"}'));
      expect(answer.status).toBe(202);
      return (await answer.json()) as { data: { requestId: string } };
    });
    await updating;
    await eventually(async () => {
      const kept = await author.get(`/api/plugins/${HOOKS}/webhooks/requests/${accepted.data.requestId}`);
      const told = Buffer.from((kept.data.answerBodyBase64 as string | null) ?? '', 'base64').toString();
      expect(told).toBe('{"version":"2.0.0","body":{"during":"update"}}');
    });
    const others = await other.webhookUrl(HOOKS, 'signed');
    expect(await (await fetch(others, signed('{}'))).json()).toEqual({ version: '1.0.0', body: {} });
  });
});
