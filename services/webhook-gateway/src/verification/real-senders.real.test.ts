import { createHash, createHmac } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhooks as OctokitWebhooks } from '@octokit/webhooks';
import type { SurfaceWebhook } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { eventually } from '../../../../test/support/eventually.ts';
import {
  admin,
  anAnswer,
  deliveriesOf,
  endpointOf,
  PLUGIN,
  post,
  type RunningGateway,
} from '../testing/gateway-calls.ts';
import { GatewayRoom } from '../testing/gateway-room.ts';

let room: GatewayRoom;

beforeAll(async () => {
  room = await GatewayRoom.open(7);
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

const SECRETS = { standard: `whsec_${Buffer.from('a standard secret of 24+').toString('base64')}` };
const secretOf = (name: string) => (SECRETS as Record<string, string>)[name] ?? `the ${name} secret`;
const STRIPE = new Stripe('sk_test_nothing');

interface Sent {
  body: string;
  headers: Record<string, string>;
}
/** Signs as the sender does; `secondsAgo` where its scheme signs a time. */
type Sender = (secret: string, secondsAgo?: number) => Promise<Sent> | Sent;

const JSON_TYPE = { 'content-type': 'application/json' };
const now = () => Math.floor(Date.now() / 1_000);

/** The same for what is sent again, another for another secret. */
const deliveryOf = (secret: string) => createHash('sha256').update(secret).digest('hex').slice(0, 32);

/** https://docs.github.com/webhooks/webhook-events-and-payloads#issues, shortened. */
const github: Sender = async (secret) => {
  const body = JSON.stringify({ action: 'opened', issue: { number: 1, title: 'Ünïcode ✓' }, installation: { id: 7 } });
  const signature = await new OctokitWebhooks({ secret }).sign(body);
  const headers = {
    'x-github-event': 'issues',
    'x-github-delivery': deliveryOf(secret),
    'x-hub-signature-256': signature,
  };
  return { body, headers: { ...JSON_TYPE, ...headers } };
};
const stripe: Sender = (secret, secondsAgo = 0) => {
  const payload = JSON.stringify(
    { id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy', object: 'event', type: 'invoice.paid' },
    null,
    2,
  );
  const signature = STRIPE.webhooks.generateTestHeaderString({ payload, secret, timestamp: now() - secondsAgo });
  return { body: payload, headers: { ...JSON_TYPE, 'stripe-signature': signature } };
};
const standard: Sender = (secret, secondsAgo = 0) => {
  const body = '{"type":"contact.created","timestamp":"2026-11-03T20:26:10.344522Z","data":{"id":"1f81eb52"}}';
  const at = new Date((now() - secondsAgo) * 1_000);
  const signature = new StandardWebhook(secret).sign('msg_2KWPBgLlAfxdpx2AI54pPJ85f4W', at, body);
  const headers = {
    'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
    'webhook-timestamp': String(now() - secondsAgo),
    'webhook-signature': signature,
  };
  return { body, headers: { ...JSON_TYPE, ...headers } };
};
/** https://docs.slack.dev/authentication/verifying-requests-from-slack, step by step. */
const slackSends =
  (body: string): Sender =>
  (secret, secondsAgo = 0) => {
    const time = String(now() - secondsAgo);
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${time}:${body}`).digest('hex')}`;
    return {
      body,
      headers: { ...JSON_TYPE, 'x-slack-request-timestamp': time, 'x-slack-signature': signature },
    };
  };
const slack = slackSends(
  '{"team_id":"T0001","event_id":"Ev08MFMKH6","type":"event_callback","event":{"type":"app_mention"}}',
);
/** https://developer.atlassian.com/cloud/jira/platform/webhooks: X-Hub-Signature over the body. */
const jira: Sender = (secret) => {
  const body = '{"webhookEvent":"jira:issue_updated","issue":{"key":"AUD-1"}}';
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return { body, headers: { ...JSON_TYPE, 'x-hub-signature': signature } };
};
const senders: Record<string, Sender> = { github, stripe, standard, slack, jira };
const names = Object.keys(senders) as ('github' | 'stripe' | 'standard' | 'slack' | 'jira')[];
const WEBHOOKS: SurfaceWebhook[] = names.map((name) => ({
  name,
  methods: ['POST', 'GET', 'HEAD'],
  verify: { scheme: name, secretKeys: [name, `${name}Previous`] },
}));

const send = (gateway: Pick<RunningGateway, 'url'>, path: string, { body, headers }: Sent) =>
  post(gateway, path, { body, headers });

describe.each(names)('a request of %s', (name) => {
  const sender = senders[name] as Sender;

  test('reaches the plugin when it is signed with a secret that is set, the newest or the one before', async () => {
    const secrets: Record<string, string> = { [name]: secretOf(name) };
    const runner = await room.runner(({ method }) => anAnswer(200, method), {
      webhooks: WEBHOOKS,
      secrets: () => secrets,
    });
    const gateway = await room.gateway();
    const path = await endpointOf(gateway, name);
    const sent = await sender(secretOf(name));
    expect((await send(gateway, path, sent)).status).toBe(200);
    expect(Buffer.from(deliveriesOf(runner)[0]?.bodyBase64 ?? '', 'base64').toString()).toBe(sent.body);

    const other = name === 'standard' ? `whsec_${Buffer.from('another one').toString('base64')}` : 'another';
    expect((await send(gateway, path, await sender(other))).status).toBe(401);
    Object.assign(secrets, { [name]: other, [`${name}Previous`]: secretOf(name) });
    await eventually(async () => expect((await send(gateway, path, await sender(other))).status).toBe(200));
    expect((await send(gateway, path, await sender(secretOf(name)))).status).toBe(200);
    Reflect.deleteProperty(secrets, `${name}Previous`);
    await eventually(async () => expect((await send(gateway, path, await sender(secretOf(name)))).status).toBe(401));
  }, 60_000);

  test('is refused, and nothing of it stored, when anything of it is not as it was signed', async () => {
    const runner = await room.runner(() => anAnswer(200), {
      webhooks: WEBHOOKS,
      secrets: () => ({ [name]: secretOf(name) }),
    });
    const gateway = await room.gateway();
    const path = await endpointOf(gateway, name);
    const sent = await sender(secretOf(name));
    const refused = [
      { ...sent, body: `${sent.body} ` },
      { ...sent, body: '' },
      { ...sent, headers: JSON_TYPE },
      await sender(name === 'standard' ? `whsec_${Buffer.from('guessed').toString('base64')}` : 'guessed'),
      ...(['github', 'jira'].includes(name)
        ? []
        : [await sender(secretOf(name), 310), await sender(secretOf(name), -310)]),
    ];
    for (const attempt of refused) {
      const answer = await send(gateway, path, attempt);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Signature']);
      expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('SIGNATURE_INVALID');
    }
    expect(await room.stored()).toEqual([]);
    expect(runner.received).toEqual([]);
  }, 60_000);
});

test('whoever sends again is told by the event of Stripe and of Slack, the message of Standard Webhooks, the delivery of GitHub', async () => {
  let count = 0;
  const runner = await room.runner(() => anAnswer(200, String(++count)), {
    webhooks: WEBHOOKS,
    secrets: () => Object.fromEntries(names.map((name) => [name, secretOf(name)])),
  });
  const gateway = await room.gateway();
  const senderNames = ['stripe', 'slack', 'standard', 'github'] as const;
  for (const [index, name] of senderNames.entries()) {
    const path = await endpointOf(gateway, name);
    // Signed anew each time, as senders do when they try again.
    for (const secondsAgo of [1, 0])
      expect(
        await (await send(gateway, path, await (senders[name] as Sender)(secretOf(name), secondsAgo))).text(),
      ).toBe(String(index + 1));
  }
  expect(runner.received).toHaveLength(senderNames.length);
}, 60_000);

test('a challenge with GET is answered by the plugin, because senders do not sign it', async () => {
  const runner = await room.runner(
    ({ url }) => anAnswer(200, new URLSearchParams(url.slice(2)).get('hub.challenge') ?? ''),
    {
      webhooks: WEBHOOKS,
      secrets: () => ({ github: secretOf('github') }),
    },
  );
  const gateway = await room.gateway();
  const path = await endpointOf(gateway, 'github');
  const query = '?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock';
  expect(await (await fetch(`${gateway.url}${path}${query}`)).text()).toBe('1158201444');
  const head = await fetch(`${gateway.url}${path}`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(deliveriesOf(runner).map(({ method, url }) => [method, url])).toEqual([
    ['GET', `/${query}`],
    ['HEAD', '/'],
  ]);
}, 60_000);

test('an admin has requests verified that the plugin does not verify; no secret is shown or logged', async () => {
  const lines: string[] = [];
  const log = createLogger(
    'webhook-gateway',
    'trace',
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    }),
  );
  await room.runner(() => anAnswer(200), {
    webhooks: [{ name: 'open', methods: ['POST'] }],
    secrets: () => ({ token: 'the-hidden-secret' }),
  });
  const gateway = await room.gateway({}, log);
  const path = await endpointOf(gateway, 'open');
  expect((await post(gateway, path, { body: '{}' })).status).toBe(200);
  const set = (verify: unknown) => admin(gateway.url, '/open/settings', { method: 'PUT', body: { verify } });
  expect((await set({ scheme: 'none', secretConfigKey: 'token' })).status).toBe(400);
  expect(await set({ scheme: 'standard-webhooks', secretConfigKey: 'unset' })).toMatchObject({
    data: { verify: { scheme: 'standard', secretConfigKey: ['unset'], setBy: 'admin', secretSet: false } },
  });
  // Nobody has set its secret: closed, not open.
  await eventually(async () => expect((await post(gateway, path, { body: '{}' })).status).toBe(401));
  await set({ scheme: 'github', secretConfigKey: ['token'] });
  const sent = await github('the-hidden-secret');
  await eventually(async () => expect((await send(gateway, path, sent)).status).toBe(200));
  expect((await send(gateway, path, await github('wrong'))).status).toBe(401);

  const [kept] = (await admin(gateway.url, '/requests')).data as { requestId: string }[];
  const shown = [
    (await admin(gateway.url, '')).data,
    (await admin(gateway.url, `/requests/${kept?.requestId ?? ''}`)).data,
    await (await fetch(`${gateway.url}/metrics`)).text(),
  ];
  expect(shown[1]).toMatchObject({ headers: { 'x-hub-signature-256': '••••••••', 'x-github-event': 'issues' } });
  expect(shown[2]).toMatch(/webhook_gateway_unsigned_total\{[^}]*\} [1-9]/);
  expect(lines.join('')).toContain('a webhook was refused because of its signature');
  const signature = sent.headers['x-hub-signature-256'] ?? 'none';
  const places = { shown: JSON.stringify(shown), logged: lines.join('') };
  const leaks = Object.entries(places).filter(
    ([, text]) => text.includes('the-hidden-secret') || text.includes(signature),
  );
  expect(leaks.map(([place]) => place)).toEqual([]);
  expect(lines.join('')).not.toContain(path.split('/').at(-1));
  await set(null);
  await eventually(async () => expect((await post(gateway, path, { body: '{}' })).status).toBe(200));
}, 60_000);

test('while no installer answers, what was last known counts; what was never known is refused until one does', async () => {
  const runner = await room.runner(() => anAnswer(200), {
    webhooks: WEBHOOKS,
    secrets: () => ({ jira: secretOf('jira'), github: secretOf('github') }),
  });
  const gateway = await room.gateway();
  const [known, unknown] = [await endpointOf(gateway, 'jira'), await endpointOf(gateway, 'github')];
  expect((await send(gateway, known, await jira(secretOf('jira')))).status).toBe(200);
  // The admin's list has asked for every webhook's secrets.
  await room.sql.query(`DELETE FROM webhook_gateway.known_secrets WHERE webhook = 'github'`);
  await room.endInstaller();
  await eventually(async () =>
    expect(((await admin(gateway.url, '')).data as { webhooks: unknown[] }).webhooks).toContainEqual(
      expect.objectContaining({ name: 'github', verify: expect.objectContaining({ secretSet: null }) }),
    ),
  );
  await eventually(async () =>
    expect((await send(gateway, unknown, await github(secretOf('github')))).status).toBe(503),
  );
  expect((await send(gateway, known, await jira(secretOf('jira')))).status).toBe(200);
  expect((await send(gateway, known, await jira('guessed'))).status).toBe(401);
  expect(deliveriesOf(runner).map(({ webhook }) => webhook)).not.toContain('github');
}, 60_000);

describe('one address for all tenants', () => {
  const APP = 'the secret of the app';
  const shared = `/api/plugins/${PLUGIN}/webhooks/slack`;
  const claim = (gateway: RunningGateway, tenant: string, accounts: string[]) =>
    admin(gateway.url, '/slack/settings', { method: 'PUT', tenant, body: { accounts } });

  test('is the tenant’s whose account and secret it is; nobody gets it by a claim alone', async () => {
    const [acme, globex, mallory] = [
      await room.runner(() => anAnswer(200, 'acme'), { webhooks: WEBHOOKS, secrets: () => ({ slack: APP }) }),
      await room.runner(() => anAnswer(200, 'globex'), { tenant: 'globex', webhooks: WEBHOOKS }),
      await room.runner(() => anAnswer(200, 'mallory'), { tenant: 'mallory', webhooks: WEBHOOKS }),
    ];
    room.setSecrets('globex', { slack: APP });
    room.setSecrets('mallory', { slack: 'of another app' });
    const gateway = await room.gateway();
    const event = await slack(APP);
    expect((await send(gateway, shared, event)).status).toBe(404);
    expect((await claim(gateway, 'acme', ['T0001'])).status).toBe(400);
    await claim(gateway, 'mallory', ['slack:T0001', 'slack:T0002']);
    expect(await claim(gateway, 'acme', ['slack:T0001'])).toMatchObject({
      data: { accounts: ['slack:T0001'], sharedUrl: `https://hooks.example.com${shared}` },
    });
    await claim(gateway, 'globex', ['slack:T0002']);
    await eventually(async () => expect(await (await send(gateway, shared, event)).text()).toBe('acme'));
    const other = await slackSends('{"team_id":"T0002","event_id":"Ev2"}')(APP);
    expect(await (await send(gateway, shared, other)).text()).toBe('globex');
    // Signed with the secret of the wrong tenant, not signed, of nobody: all the same.
    const strangers = [
      await slack('of another app but this'),
      { body: event.body, headers: JSON_TYPE },
      await slackSends('{"team_id":"T0003"}')(APP),
    ];
    for (const stranger of strangers) expect((await send(gateway, shared, stranger)).status).toBe(404);
    const challenge = await slackSends('{"type":"url_verification","challenge":"3eZbrw1a"}')(APP);
    expect((await send(gateway, shared, challenge)).status).toBe(200);
    await claim(gateway, 'acme', []);
    expect((await send(gateway, shared, await slackSends('{"team_id":"T0001"}')(APP))).status).toBe(404);
    expect([globex.received.length, mallory.received.length]).toEqual([1, 0]);
    expect(deliveriesOf(acme)).toHaveLength(2);
  }, 60_000);
});
