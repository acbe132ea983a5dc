import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { answering } from '@verifywise/broker';
import {
  emptySurface,
  FindSurface,
  PluginUninstalled,
  WebhookFinished,
  type WebhookAnswer,
  type WebhookDelivery,
  type WebhookOutcome,
} from '@verifywise/contracts';
import { Closers, createLogger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import pg from 'pg';
import { freePort } from '../../../infra/local/src/backing/free-port.ts';
import { backingServices } from '../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startFakeRunner, type FakeRunner, type ReceivedWork } from '../../../test/support/fake-runner.ts';
import { onlyInstalled } from '../../../test/support/only-installed.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { readConfig } from './config.ts';
import { startWebhookGateway } from './service.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const PLUGIN = 'jira-integration';
const log = createLogger('webhook-gateway-test', 'silent');

let rabbit: PrivateBroker;
let database: TestDatabase;
let redisUrl: string;
let redis: Redis;
let sql: pg.Client;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
  redisUrl = `${backingServices().redisUrl}/6`;
  redis = new Redis(redisUrl);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
}, 60_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await sql.query('TRUNCATE webhook_gateway.requests, webhook_gateway.endpoint_tokens, webhook_gateway.known_webhooks');
  await redis.flushdb();
}, 60_000);

afterAll(async () => {
  await sql.end();
  redis.disconnect();
  await database.drop();
  await rabbit.stop();
}, 60_000);

interface RunningGateway {
  url: string;
  stop(): Promise<void>;
}

function environment(env: Record<string, string> = {}): Record<string, string> {
  return {
    ...{ PORT: '0', JWT_SECRET: SECRET, BROKER_URL: rabbit.url, DATABASE_URL: database.url, REDIS_URL: redisUrl },
    ...{ SWEEP_MS: '300', PUBLIC_URL: 'https://hooks.example.com', WEBHOOK_HOST_SUFFIX: 'hooks.test', ...env },
  };
}

async function aGateway(env: Record<string, string> = {}): Promise<RunningGateway> {
  const closers = new Closers();
  const config = readConfig(environment(env));
  const stop = () => closers.closeAll(10_000);
  cleanups.push(stop);
  const http = await startWebhookGateway(config, closers, log);
  return { url: http.url, stop };
}

/** A gateway that can be killed as machines kill. */
async function aGatewayProcess(): Promise<{ url: string; kill(): void }> {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const port = await freePort();
  const child = spawn(process.execPath, [main], {
    env: environment({ PORT: String(port), LOG_LEVEL: 'silent' }),
    stdio: 'ignore',
  });
  const gone = once(child, 'exit');
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  return { url, kill: () => void child.kill('SIGKILL') };
}

type Handled = WebhookAnswer | 'throws' | 'not-enabled';
type Handler = (delivery: WebhookDelivery) => Promise<Handled> | Handled;

/** A runner with one enabled plugin of acme, whose webhook `issue-updated` does what `handle` says. */
async function aRunner(handle: Handler, isEnabled = () => true): Promise<FakeRunner> {
  const surface = { ...emptySurface, webhooks: [{ name: 'issue-updated', methods: ['POST', 'PUT'] }] };
  const work = async ({ payload, tenant }: ReceivedWork, broker: FakeRunner['broker']) => {
    const { pluginId, webhook, requestId } = payload as WebhookDelivery;
    const answer = await handle(payload as WebhookDelivery);
    const about = { pluginId, webhook, requestId, tookMs: 1.5 };
    const outcome: WebhookOutcome =
      answer === 'throws'
        ? { ...about, outcome: 'failed', error: { message: 'it broke' } }
        : answer === 'not-enabled'
          ? { ...about, outcome: answer }
          : { ...about, outcome: 'answered', answer };
    await broker.publish(WebhookFinished, { tenant, payload: outcome });
    return outcome;
  };
  const answers = [
    answering(FindSurface, ({ pluginId }, { tenant }) =>
      tenant === 'acme' && pluginId === PLUGIN && isEnabled() ? surface : null,
    ),
  ];
  const runner = await startFakeRunner({ brokerUrl: rabbit.url, tenant: 'acme', work, answers });
  cleanups.push(() => runner.close());
  return runner;
}

function deliveriesOf(runner: FakeRunner): WebhookDelivery[] {
  return runner.received.map(({ payload }) => payload as WebhookDelivery);
}

function anAnswer(status: number, body: string, headers: Record<string, string> = {}): WebhookAnswer {
  return { status, headers, bodyBase64: Buffer.from(body).toString('base64') };
}

async function admin(
  url: string,
  path: string,
  options: { method?: string; body?: unknown; tenant?: string; role?: string } = {},
) {
  const token = await new SignJWT({ tenant: options.tenant ?? 'acme', role: options.role ?? 'Admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(SECRET));
  const answer = await fetch(`${url}/api/plugins/${PLUGIN}/webhooks${path}`, {
    method: options.method ?? 'GET',
    headers: {
      authorization: `Bearer ${token}`,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const { data, error } = (await answer.json()) as { data?: unknown; error?: { code: string } };
  return { status: answer.status, data, error };
}

/** The path a sender knows: that of the URL an admin was shown. */
async function endpointOf(gateway: RunningGateway): Promise<string> {
  const { webhooks } = (await admin(gateway.url, '')).data as { webhooks: { name: string; url: string }[] };
  const url = webhooks[0]?.url ?? '';
  expect(url).toMatch(/^https:\/\/hooks\.example\.com\/api\/plugins\/jira-integration\/webhooks\/issue-updated\/whk_/);
  return new URL(url).pathname;
}

const post = (gateway: Pick<RunningGateway, 'url'>, path: string, init: RequestInit = {}) =>
  fetch(`${gateway.url}${path}`, { method: 'POST', ...init });

async function storedRequests() {
  const { rows } = await sql.query<Record<string, unknown>>(
    'SELECT * FROM webhook_gateway.requests ORDER BY received_at',
  );
  return rows;
}

describe('a webhook', () => {
  test('reaches the plugin byte for byte, and its answer reaches the sender', async () => {
    const runner = await aRunner(() =>
      anAnswer(201, '{"received":true}', { 'content-type': 'application/json', 'x-of-plugin': 'yes' }),
    );
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    const body = '{"z": 1,\r\n  "ä": "\\u00e4"}';
    const signature = createHmac('sha256', 'shared').update(body).digest('hex');
    const answer = await post(gateway, `${path}?a=1&b=%20x`, {
      body,
      headers: {
        'content-type': 'application/json',
        'x-hub-signature-256': signature,
        'x-tenant-id': 'globex',
        'x-user-role': 'Admin',
        'proxy-authorization': 'Basic eA==',
      },
    });
    expect(answer.status).toBe(201);
    expect(await answer.text()).toBe('{"received":true}');
    expect(answer.headers.get('x-of-plugin')).toBe('yes');
    expect(answer.headers.get('ratelimit-limit')).toBe('100');
    expect(answer.headers.get('ratelimit-remaining')).toBe('99');
    const [delivery] = deliveriesOf(runner);
    const received = Buffer.from(delivery?.bodyBase64 ?? '', 'base64');
    expect(createHmac('sha256', 'shared').update(received).digest('hex')).toBe(signature);
    expect(delivery).toMatchObject({ pluginId: PLUGIN, webhook: 'issue-updated', method: 'POST', url: '/?a=1&b=%20x' });
    expect(delivery?.headers).toMatchObject({ 'x-hub-signature-256': signature });
    for (const name of ['x-tenant-id', 'x-user-role', 'proxy-authorization', 'connection'])
      expect(delivery?.headers).not.toHaveProperty(name);
    await eventually(async () =>
      expect(await storedRequests()).toMatchObject([{ state: 'finished', outcome: 'answered', answer_status: 201 }]),
    );
  }, 60_000);

  test('comes by ?token= and by host name too', async () => {
    const runner = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const token = (await endpointOf(gateway)).split('/').at(-1) ?? '';
    const path = `/api/plugins/${PLUGIN}/webhooks/issue-updated`;
    expect((await post(gateway, `${path}?x=1&token=${token}&y=2`)).status).toBe(200);
    expect(deliveriesOf(runner)[0]?.url).toBe('/?x=1&y=2');
    expect(await statusByHost(gateway, path, 'acme.hooks.test')).toBe(200);
    expect(await statusByHost(gateway, path, 'globex.hooks.test')).toBe(404);
    expect(await statusByHost(gateway, path, 'acme.elsewhere.test')).toBe(404);
  }, 60_000);

  test('that takes long is answered with 202, and its outcome is kept', async () => {
    const slow = Promise.withResolvers<WebhookAnswer>();
    await aRunner(() => slow.promise);
    const gateway = await aGateway();
    const answer = await post(gateway, await endpointOf(gateway), { body: 'x' });
    expect(answer.status).toBe(202);
    const { data } = (await answer.json()) as { data: { requestId: string } };
    slow.resolve(anAnswer(200, 'at last'));
    await eventually(async () => {
      const { data: kept } = await admin(gateway.url, `/requests/${data.requestId}`);
      expect(kept).toMatchObject({ state: 'finished', outcome: 'answered', answerStatus: 200, bodyBase64: 'eA==' });
    });
  }, 60_000);

  test('whose handler throws is answered with 500, kept, and can be replayed', async () => {
    let broken = true;
    const runner = await aRunner(() => (broken ? 'throws' : anAnswer(200, 'fine')));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path, { body: 'payload' })).status).toBe(500);
    const kept = (await admin(gateway.url, '/requests')).data as { requestId: string }[];
    expect(kept).toMatchObject([{ outcome: 'failed', error: 'it broke' }]);
    broken = false;
    const first = kept[0]?.requestId ?? '';
    expect((await admin(gateway.url, `/requests/${first}/replay`, { method: 'POST', role: 'Editor' })).status).toBe(
      403,
    );
    expect((await admin(gateway.url, `/requests/${first}/replay`, { method: 'POST', tenant: 'globex' })).status).toBe(
      404,
    );
    const replayed = await admin(gateway.url, `/requests/${first}/replay`, { method: 'POST' });
    expect(replayed).toMatchObject({ status: 202, data: { replayOf: first } });
    await eventually(async () =>
      expect((await admin(gateway.url, '/requests')).data).toMatchObject([
        { replayOf: first, outcome: 'answered' },
        { outcome: 'failed' },
      ]),
    );
    expect(deliveriesOf(runner).map(({ bodyBase64 }) => bodyBase64)).toEqual(
      Array(2).fill(Buffer.from('payload').toString('base64')),
    );
  }, 60_000);

  test('stored by a gateway that was killed is delivered by another, as the same request', async () => {
    const runner = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    const doomed = await aGatewayProcess();
    // Without a broker the request can be stored and not sent, which is when the gateway dies.
    await rabbit.kill();
    const lost = post({ url: doomed.url }, path, { body: 'kept' }).catch(() => undefined);
    const [stored] = await eventually(async () => {
      const rows = await storedRequests();
      expect(rows).toHaveLength(1);
      return rows;
    });
    doomed.kill();
    await lost;
    await rabbit.restart();
    await eventually(async () => expect(await storedRequests()).toMatchObject([{ outcome: 'answered' }]), {
      within: 40_000,
    });
    expect(deliveriesOf(runner)[0]).toMatchObject({
      requestId: stored?.request_id,
      bodyBase64: Buffer.from('kept').toString('base64'),
    });
  }, 90_000);

  test('is accepted while no runner is there, and delivered when one comes', async () => {
    const first = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    await first.close();
    cleanups.pop();
    cleanups.pop();
    cleanups.push(() => gateway.stop());
    const answer = await eventually(async () => {
      const tried = await post(gateway, path, { body: 'meanwhile' });
      expect(tried.status).toBe(202);
      return (await tried.json()) as { data: { requestId: string } };
    });
    const runner = await aRunner(() => anAnswer(200, ''));
    await eventually(() => expect(deliveriesOf(runner)).toMatchObject([{ requestId: answer.data.requestId }]));
  }, 60_000);

  test('is kept while the version of its plugin changes, and refused once the plugin is disabled', async () => {
    let enabled = true;
    await aRunner(
      () => 'not-enabled',
      () => enabled,
    );
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path, { body: 'between versions' })).status).toBe(202);
    expect(await storedRequests()).toMatchObject([{ state: 'accepted', finished_at: null }]);
    // The gateway may believe for a second that it is still enabled; the runner knows better.
    enabled = false;
    expect((await post(gateway, path)).status).toBe(404);
  }, 60_000);

  test('is accepted while RabbitMQ is away, and delivered when it is back', async () => {
    const runner = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    await rabbit.kill();
    const answer = await post(gateway, path, { body: 'meanwhile' });
    expect(answer.status).toBe(202);
    await rabbit.restart();
    await eventually(() => expect(deliveriesOf(runner).length).toBeGreaterThan(0), { within: 40_000 });
    await eventually(async () => expect(await storedRequests()).toMatchObject([{ outcome: 'answered' }]), {
      within: 40_000,
    });
  }, 90_000);
});

describe('who sends', () => {
  test('the same delivery twice gets the first answer; after a failure it is delivered again', async () => {
    let count = 0;
    const runner = await aRunner(() => (++count === 3 ? 'throws' : anAnswer(200, `answer ${count}`)));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    const send = (id: string) => post(gateway, path, { headers: { 'x-github-delivery': id } });
    expect(await (await send('one')).text()).toBe('answer 1');
    expect(await (await send('one')).text()).toBe('answer 1');
    expect(await (await send('two')).text()).toBe('answer 2');
    expect((await send('three')).status).toBe(500);
    expect(await (await send('three')).text()).toBe('answer 4');
    expect(runner.received).toHaveLength(4);
  }, 60_000);

  test('the same delivery twice at once has it delivered once', async () => {
    const runner = await aRunner(() => anAnswer(200, 'once'));
    const [one, two] = [await aGateway(), await aGateway()];
    const path = await endpointOf(one);
    const sends = [one, two, one, two].map((gateway) => post(gateway, path, { headers: { 'webhook-id': 'msg_1' } }));
    const answers = await Promise.all((await Promise.all(sends)).map((answer) => answer.text()));
    expect(answers).toEqual(Array(4).fill('once'));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('to a wrong address gets the same 404, whatever was wrong', async () => {
    const runner = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    const unknown = `whk_${'A'.repeat(43)}`;
    const base = '/api/plugins';
    const wrong: [string, string][] = [
      ['POST', `${base}/${PLUGIN}/webhooks/issue-updated`],
      ['POST', `${base}/${PLUGIN}/webhooks/issue-updated/${unknown}`],
      ['POST', `${base}/${PLUGIN}/webhooks/issue-updated/short`],
      ['POST', `${base}/${PLUGIN}/webhooks/issue-updated?token=${unknown}`],
      ['POST', path.replace('issue-updated', 'comment-added')],
      ['POST', path.replace(PLUGIN, 'slack')],
      ['POST', `${path}/more`],
      ['GET', path],
      ['DELETE', path],
    ];
    const answers = await Promise.all(
      wrong.map(async ([method, place]) => {
        const answer = await fetch(`${gateway.url}${place}`, { method });
        return `${answer.status} ${await answer.text()}`;
      }),
    );
    expect(new Set(answers)).toEqual(
      new Set(['404 {"success":false,"error":{"code":"WEBHOOK_NOT_FOUND","message":"There is no such webhook"}}']),
    );
    expect(runner.received).toEqual([]);
    expect(await storedRequests()).toEqual([]);
  }, 60_000);

  test('too much at once is told so, over all gateways', async () => {
    await aRunner(() => anAnswer(200, ''));
    const gateways = [await aGateway({ WEBHOOK_RATE_LIMIT: '5' }), await aGateway({ WEBHOOK_RATE_LIMIT: '5' })];
    const path = await endpointOf(gateways[0] as RunningGateway);
    const statuses: number[] = [];
    for (let sent = 0; sent < 8; sent += 1)
      statuses.push((await post(gateways[sent % 2] as RunningGateway, path)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const refused = await post(gateways[0] as RunningGateway, path);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
  }, 60_000);

  test('too much at once is told so although there is no Redis', async () => {
    await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway({ WEBHOOK_RATE_LIMIT: '2', REDIS_URL: 'redis://127.0.0.1:1' });
    const path = await endpointOf(gateway);
    const statuses: number[] = [];
    for (let sent = 0; sent < 3; sent += 1) statuses.push((await post(gateway, path)).status);
    expect(statuses).toEqual([200, 200, 429]);
  }, 60_000);

  test('too large a body gets 413', async () => {
    await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path, { body: Buffer.alloc(1024 * 1024) })).status).toBe(200);
    expect((await post(gateway, path, { body: Buffer.alloc(1024 * 1024 + 1) })).status).toBe(413);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let chunk = 0; chunk < 3; chunk += 1) controller.enqueue(new Uint8Array(512 * 1024));
        controller.close();
      },
    });
    expect((await post(gateway, path, { body: chunks, duplex: 'half' })).status).toBe(413);
  }, 60_000);
});

describe('an admin', () => {
  test('rotates a URL: the one before is valid for the overlap only', async () => {
    await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const first = await endpointOf(gateway);
    const rotate = async (overlapSeconds: number) => {
      const rotated = await admin(gateway.url, '/issue-updated/token', { method: 'POST', body: { overlapSeconds } });
      return new URL((rotated.data as { url: string }).url).pathname;
    };
    const second = await rotate(3_600);
    expect(second).not.toBe(first);
    expect((await post(gateway, first)).status).toBe(200);
    expect((await post(gateway, second)).status).toBe(200);
    const third = await rotate(0);
    await eventually(async () => expect((await post(gateway, second)).status).toBe(404));
    expect((await post(gateway, third)).status).toBe(200);
    expect((await admin(gateway.url, '/unknown/token', { method: 'POST' })).status).toBe(404);
    expect((await admin(gateway.url, '', { role: 'Editor' })).status).toBe(403);
    expect((await admin(gateway.url, '', { tenant: 'globex' })).data).toEqual({
      enabled: false,
      webhooks: [],
      requests: [],
    });
  }, 60_000);

  test('is told that a plugin is not installed; one that is may have no webhooks', async () => {
    const runner = await aRunner(
      () => anAnswer(200, ''),
      () => false,
    );
    const installer = await runner.broker.answerQuestions('installer', [onlyInstalled('acme', PLUGIN)]);
    cleanups.push(() => installer.stop());
    const gateway = await aGateway();
    expect(await admin(gateway.url, '')).toMatchObject({ status: 200, data: { enabled: false, webhooks: [] } });
    expect(await admin(gateway.url, '/requests')).toMatchObject({ status: 200, data: [] });
    for (const path of ['', '/requests']) {
      expect(await admin(gateway.url, path, { tenant: 'globex' })).toMatchObject({
        status: 404,
        error: { code: 'PLUGIN_NOT_INSTALLED' },
      });
    }
  }, 60_000);

  test('who uninstalls the plugin with its data leaves no URL and no request', async () => {
    const runner = await aRunner(() => anAnswer(200, ''));
    const gateway = await aGateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path)).status).toBe(200);
    const payload = {
      pluginId: PLUGIN,
      version: '1.0.0',
      generation: 2,
      state: 'uninstalled' as const,
      dataDeleted: true,
    };
    await runner.broker.publish(PluginUninstalled, { tenant: 'acme', payload });
    await eventually(async () => expect(await storedRequests()).toEqual([]));
    expect((await post(gateway, path)).status).toBe(404);
    const openapi = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(openapi.paths)).toContain('/api/plugins/{id}/webhooks/{name}/{token}');
  }, 60_000);
});

/** fetch does not let one say another host. */
function statusByHost(gateway: RunningGateway, path: string, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const outgoing = httpRequest(`${gateway.url}${path}`, { method: 'POST', headers: { host } }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  });
  outgoing.once('error', reject);
  outgoing.end();
  return promise;
}
