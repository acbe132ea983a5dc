import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
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
