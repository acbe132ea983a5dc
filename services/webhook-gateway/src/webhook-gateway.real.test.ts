import { createHmac, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { PluginEnabled, PluginUninstalled, type WebhookAnswer } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { onlyInstalled } from '../../../test/support/only-installed.ts';
import {
  admin,
  anAnswer,
  deliveriesOf,
  endpointOf,
  PLUGIN,
  post,
  type RunningGateway,
} from './testing/gateway-calls.ts';
import { GatewayRoom } from './testing/gateway-room.ts';
import { postgresRequests } from './store/postgres-requests.ts';

let room: GatewayRoom;

beforeAll(async () => {
  room = await GatewayRoom.open(8);
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

describe('a webhook', () => {
  test('reaches the plugin byte for byte, and its answer reaches the sender', async () => {
    const runner = await room.runner(() =>
      anAnswer(201, '{"received":true}', { 'content-type': 'application/json', 'x-of-plugin': 'yes' }),
    );
    const gateway = await room.gateway();
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
      expect(await room.stored()).toMatchObject([{ state: 'finished', outcome: 'answered', answer_status: 201 }]),
    );
  }, 60_000);

  test('comes by ?token= and by host name too', async () => {
    const runner = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
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
    await room.runner(() => slow.promise);
    const gateway = await room.gateway();
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
    const runner = await room.runner(() => (broken ? 'throws' : anAnswer(200, 'fine')));
    const gateway = await room.gateway();
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
    const runner = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    const doomed = await room.gatewayProcess();
    // Without a broker the request can be stored and not sent, which is when the gateway dies.
    await room.rabbit.kill();
    const lost = post({ url: doomed.url }, path, { body: 'kept' }).catch(() => undefined);
    const [stored] = await eventually(async () => {
      const rows = await room.stored();
      expect(rows).toHaveLength(1);
      return rows;
    });
    await doomed.kill();
    await lost;
    await room.rabbit.restart();
    await eventually(async () => expect(await room.stored()).toMatchObject([{ outcome: 'answered' }]), {
      within: 40_000,
    });
    expect(deliveriesOf(runner)[0]).toMatchObject({
      requestId: stored?.request_id,
      bodyBase64: Buffer.from('kept').toString('base64'),
    });
  }, 90_000);

  test('is accepted while no runner is there, and delivered when one comes', async () => {
    const first = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    await first.close();
    room.forgetLast();
    room.forgetLast();
    room.onClear(() => gateway.stop());
    const answer = await eventually(async () => {
      const tried = await post(gateway, path, { body: 'meanwhile' });
      expect(tried.status).toBe(202);
      return (await tried.json()) as { data: { requestId: string } };
    });
    const runner = await room.runner(() => anAnswer(200, ''));
    await eventually(() => expect(deliveriesOf(runner)).toMatchObject([{ requestId: answer.data.requestId }]));
  }, 60_000);

  test('is kept while the version of its plugin changes, and refused once the plugin is disabled', async () => {
    let enabled = true;
    await room.runner(() => 'not-enabled', { isEnabled: () => enabled });
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path, { body: 'between versions' })).status).toBe(202);
    expect(await room.stored()).toMatchObject([{ state: 'accepted', finished_at: null }]);
    // The gateway may believe for a second that it is still enabled; the runner knows better.
    enabled = false;
    expect((await post(gateway, path)).status).toBe(404);
    expect(await room.stored()).toHaveLength(1);
  }, 60_000);

  test('that waits for its plugin is sent as soon as the plugin is enabled', async () => {
    let there = false;
    const runner = await room.runner(() => (there ? anAnswer(200) : 'not-enabled'));
    const gateway = await room.gateway();
    expect((await post(gateway, await endpointOf(gateway), { body: 'between versions' })).status).toBe(202);
    // What the runner has told everybody is heard before the plugin is enabled.
    await eventually(async () =>
      expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(/outcomes_total\{outcome="not-enabled",/),
    );
    there = true;
    const { rows } = await room.sql.query(
      `SELECT send_at > now() + interval '10 s' AS later FROM webhook_gateway.requests`,
    );
    expect(rows).toEqual([{ later: true }]);
    const payload = { pluginId: PLUGIN, version: '2.0.0', state: 'enabled' as const, generation: 3 };
    const timestamp = new Date().toISOString();
    await runner.broker.publish(PluginEnabled, { tenant: 'acme', payload: { ...payload, timestamp } });
    await eventually(async () => expect(await room.stored()).toMatchObject([{ outcome: 'answered' }]));
    expect(new Set(deliveriesOf(runner).map(({ requestId }) => requestId)).size).toBe(1);
  }, 60_000);

  test('is asked only as the plugin declares: any other method gets 405 and what is allowed', async () => {
    const runner = await room.runner(() => anAnswer(200));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    for (const method of ['GET', 'HEAD', 'DELETE', 'PATCH']) {
      const answer = await fetch(`${gateway.url}${path}`, { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST, PUT']);
    }
    expect((await fetch(`${gateway.url}${path}`, { method: 'PUT' })).status).toBe(200);
    expect(await room.stored()).toHaveLength(1);
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('too large for a message is kept in pieces, and fetched by the runner and nobody else', async () => {
    const webhooks = [{ name: 'issue-updated', methods: ['POST'], bodyLimit: 3_000_000 }];
    const runner = await room.runner(() => anAnswer(200, 'taken'), { webhooks });
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    const body = randomBytes(2_999_999);
    expect(await (await post(gateway, path, { body })).text()).toBe('taken');
    const [delivery] = deliveriesOf(runner);
    expect(delivery).toMatchObject({ bodyBase64: '', bodyElsewhere: { bytes: body.length } });
    const requestId = delivery?.requestId ?? '';
    const fetchBody = async (id: string, tenant?: string) => {
      const headers: Record<string, string> =
        tenant === undefined ? {} : { 'x-service-token': await room.serviceToken(tenant) };
      return fetch(`${gateway.url}/internal/webhook-bodies/${id}`, { headers });
    };
    expect(Buffer.from(await (await fetchBody(requestId, 'acme')).arrayBuffer()).equals(body)).toBe(true);
    expect((await fetchBody(requestId, 'globex')).status).toBe(404);
    expect((await fetchBody(requestId)).status).toBe(401);
    expect(await admin(gateway.url, `/requests/${requestId}`)).toMatchObject({
      data: { bodyBase64: null, bodyBytes: body.length },
    });
    expect((await admin(gateway.url, `/requests/${requestId}/body`)).bytes?.equals(body)).toBe(true);
    expect((await admin(gateway.url, `/requests/${requestId}/body`, { tenant: 'globex' })).status).toBe(404);

    await admin(gateway.url, `/requests/${requestId}/replay`, { method: 'POST' });
    const again = await eventually(() => {
      expect(runner.received).toHaveLength(2);
      return deliveriesOf(runner)[1];
    });
    const replayed = await fetchBody(again?.requestId ?? '', 'acme');
    expect(Buffer.from(await replayed.arrayBuffer()).equals(body)).toBe(true);

    const tooLarge = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let chunk = 0; chunk < 7; chunk += 1) controller.enqueue(new Uint8Array(512 * 1024));
        controller.close();
      },
    });
    expect((await post(gateway, path, { body: tooLarge, duplex: 'half' })).status).toBe(413);
    const { rows } = await room.sql.query('SELECT DISTINCT request_id FROM webhook_gateway.body_chunks');
    expect(rows).toHaveLength(2);
  }, 60_000);

  test('keeps its headers byte for byte, and is refused when they are too large', async () => {
    const runner = await room.runner(() => anAnswer(200, '', { 'set-cookie': 'a=1' }));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    expect((await post(gateway, path, { headers: { 'x-latin': 'gr\u00fc\u00df' } })).status).toBe(200);
    expect(deliveriesOf(runner)[0]?.headers).toMatchObject({ 'x-latin': 'gr\u00fc\u00df' });
    expect((await post(gateway, path, { headers: { 'x-large': 'x'.repeat(17_000) } })).status).toBe(431);
    expect(await room.stored()).toHaveLength(1);
  }, 60_000);

  test('is accepted while RabbitMQ is away, and delivered when it is back', async () => {
    const runner = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    await room.rabbit.kill();
    const answer = await post(gateway, path, { body: 'meanwhile' });
    expect(answer.status).toBe(202);
    await room.rabbit.restart();
    await eventually(() => expect(deliveriesOf(runner).length).toBeGreaterThan(0), { within: 40_000 });
    await eventually(async () => expect(await room.stored()).toMatchObject([{ outcome: 'answered' }]), {
      within: 40_000,
    });
  }, 90_000);
});

describe('who sends', () => {
  test('the same delivery twice gets the first answer; after a failure it is delivered again', async () => {
    let count = 0;
    const runner = await room.runner(() => (++count === 3 ? 'throws' : anAnswer(200, `answer ${count}`)));
    const gateway = await room.gateway();
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
    const runner = await room.runner(() => anAnswer(200, 'once'));
    const [one, two] = [await room.gateway(), await room.gateway()];
    const path = await endpointOf(one);
    const sends = [one, two, one, two].map((gateway) => post(gateway, path, { headers: { 'webhook-id': 'msg_1' } }));
    const answers = await Promise.all((await Promise.all(sends)).map((answer) => answer.text()));
    expect(answers).toEqual(Array(4).fill('once'));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('to a wrong address gets the same 404, whatever was wrong', async () => {
    const runner = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
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
    expect(await room.stored()).toEqual([]);
  }, 60_000);

  test('too much at once is told so, over all gateways', async () => {
    await room.runner(() => anAnswer(200, ''));
    const gateways = [await room.gateway({ WEBHOOK_RATE_LIMIT: '5' }), await room.gateway({ WEBHOOK_RATE_LIMIT: '5' })];
    const path = await endpointOf(gateways[0] as RunningGateway);
    const statuses: number[] = [];
    for (let sent = 0; sent < 8; sent += 1)
      statuses.push((await post(gateways[sent % 2] as RunningGateway, path)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const refused = await post(gateways[0] as RunningGateway, path);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
  }, 60_000);

  test('as much as an admin says, and no more', async () => {
    await room.runner(() => anAnswer(200));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    const set = (requestsPerMinute: unknown, role = 'Admin') =>
      admin(gateway.url, '/rate-limit', { method: 'PUT', role, body: { requestsPerMinute } });
    expect((await set(3, 'Editor')).status).toBe(403);
    expect((await set(0)).status).toBe(400);
    expect(await set(3)).toMatchObject({ status: 200, data: { requestsPerMinute: 3 } });
    const statuses: number[] = [];
    for (let sent = 0; sent < 4; sent += 1) statuses.push((await post(gateway, path)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await set(null)).toMatchObject({ data: { requestsPerMinute: 100 } });
    const more = await eventually(async () => {
      const answer = await post(gateway, path);
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(more.headers.get('ratelimit-policy')).toBe('100;w=60');
  }, 60_000);

  test('too much at once is taken in and handed over later where the plugin says so, in order', async () => {
    const webhooks = [{ name: 'issue-updated', methods: ['POST'], overflow: 'queue' as const }];
    const runner = await room.runner(() => anAnswer(200), { webhooks });
    const gateway = await room.gateway({ WEBHOOK_RATE_LIMIT: '2' });
    const path = await endpointOf(gateway);
    const statuses: number[] = [];
    for (const body of ['0', '1', '2', '3', '4']) statuses.push((await post(gateway, path, { body })).status);
    expect(statuses).toEqual([200, 200, 202, 202, 202]);
    const gaps = await room.sql.query(
      `SELECT round(extract(epoch FROM send_at - lag(send_at) OVER (ORDER BY received_at)))::int AS seconds,
         send_at > now() + interval '10 s' AS later FROM webhook_gateway.requests WHERE outcome IS NULL ORDER BY received_at`,
    );
    expect(gaps.rows).toEqual([
      { seconds: null, later: true },
      { seconds: 30, later: true },
      { seconds: 30, later: true },
    ]);
    // The minute is over: who comes now stays behind those that wait.
    await room.forgetCounts();
    expect((await post(gateway, path, { body: '5' })).status).toBe(202);
    await room.sql.query(
      `UPDATE webhook_gateway.requests SET send_at = send_at - interval '10 min' WHERE outcome IS NULL`,
    );
    const bodies = () => deliveriesOf(runner).map(({ bodyBase64 }) => Buffer.from(bodyBase64, 'base64').toString());
    await eventually(() => expect(new Set(bodies())).toEqual(new Set(['0', '1', '2', '3', '4', '5'])));
    await room.forgetCounts();
    await room.sql.query(`UPDATE webhook_gateway.throttles SET next_at = now() + interval '2 hours'`);
    expect((await post(gateway, path)).status).toBe(429);
  }, 60_000);

  test('too much at once is told so although there is no Redis', async () => {
    await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway({ WEBHOOK_RATE_LIMIT: '2', REDIS_URL: 'redis://127.0.0.1:1' });
    const path = await endpointOf(gateway);
    const statuses: number[] = [];
    for (let sent = 0; sent < 3; sent += 1) statuses.push((await post(gateway, path)).status);
    expect(statuses).toEqual([200, 200, 429]);
  }, 60_000);

  test('too large a body gets 413', async () => {
    await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
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

describe('the requests of all', () => {
  test('are taken in turn by tenant: a flood of one keeps nobody else out', async () => {
    const FLOOD = 100;
    await room.runner(() => anAnswer(200));
    await room.runner(() => anAnswer(200), { tenant: 'globex' });
    const gateway = await room.gateway({ WEBHOOK_RATE_LIMIT: '1000' });
    const [flood, other] = [await endpointOf(gateway), await endpointOf(gateway, 'issue-updated', 'globex')];
    const letGo = await room.holding('LOCK TABLE webhook_gateway.requests IN SHARE MODE');
    const sent = Array.from({ length: FLOOD }, () => post(gateway, flood));
    await room.standsBefore('INSERT INTO requests');
    const late = post(gateway, other);
    await eventually(async () => expect(await room.hasBeenCounted('globex')).toBe(true));
    // Whoever asks for something else is answered, and the late one waits with the others by then.
    expect((await admin(gateway.url, '', { tenant: 'globex' })).status).toBe(200);
    await letGo();
    const statuses = (await Promise.all([...sent, late])).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200 && status !== 202)).toEqual([]);
    const tenants = (await room.stored()).map(({ tenant }) => tenant);
    expect(tenants).toHaveLength(FLOOD + 1);
    expect(tenants.indexOf('globex')).toBeLessThan(FLOOD / 2);
  }, 60_000);

  test('are kept by day: days that are over long enough go as a whole, the others stay', async () => {
    await room.runner(() => anAnswer(200));
    const gateway = await room.gateway();
    expect((await post(gateway, await endpointOf(gateway))).status).toBe(200);
    const days = async () => {
      const { rows } = await room.sql.query<{ relname: string }>(
        `SELECT relname FROM pg_class WHERE relname ~ '^requests_[0-9]{8}$' ORDER BY relname`,
      );
      return rows.map(({ relname }) => relname);
    };
    const before = await days();
    await room.sql.query(
      `CREATE TABLE webhook_gateway.requests_20200101 PARTITION OF webhook_gateway.requests
         FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')`,
    );
    await room.sql.query(
      `INSERT INTO webhook_gateway.requests SELECT (jsonb_populate_record(kept, '{"received_at": "2020-01-01T12:00:00Z"}')).*
       FROM webhook_gateway.requests AS kept`,
    );
    expect(await room.stored()).toHaveLength(2);
    await room.inDatabase(async (database) => {
      // Two gateways at once, as at every full ten minutes.
      const books = [postgresRequests(database), postgresRequests(database)];
      await Promise.all(books.map((book) => book.forgetOlderThan(7)));
    });
    expect(await days()).toEqual(before);
    expect(await room.stored()).toHaveLength(1);
    expect(before.length).toBeGreaterThanOrEqual(4);
  }, 60_000);

  test('are sent some of each plugin at a time: what one tenant has waiting keeps nobody else waiting', async () => {
    await room.runner(() => anAnswer(200));
    // It makes the tables, and would itself send what is put there.
    await (await room.gateway()).stop();
    await room.sql.query(
      `INSERT INTO webhook_gateway.requests (request_id, tenant, plugin_id, webhook, method, url, headers, body, body_bytes, send_at)
       SELECT gen_random_uuid(), CASE WHEN n > 500 THEN 'acme' ELSE 'flood' END, 'p', 'w', 'POST', '/', '{}', '', 0,
         now() - (600 - n) * interval '1 s' FROM generate_series(1, 503) AS n`,
    );
    await room.inDatabase(async (database) => {
      const claimed = await postgresRequests(database).claim(50, 60_000);
      const of = (tenant: string) => claimed.filter((request) => request.tenant === tenant).length;
      expect([of('acme'), of('flood')]).toEqual([3, 10]);
    });
  }, 60_000);
});

describe('an admin', () => {
  test('lists requests by webhook and outcome, page by page', async () => {
    await room.runner(({ bodyBase64 }) => (bodyBase64 === '' ? 'throws' : anAnswer(200)));
    const gateway = await room.gateway();
    const path = await endpointOf(gateway);
    for (const body of ['', 'fine', '']) await post(gateway, path, { body });
    const list = async (query: string) =>
      (await admin(gateway.url, `/requests?${query}`)).data as {
        requestId: string;
        outcome: string;
        receivedAt: string;
      }[];
    expect((await list('outcome=failed')).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(await list('webhook=other')).toEqual([]);
    const [newest, next] = await list('limit=2');
    const older = await list(`limit=2&before=${encodeURIComponent(next?.receivedAt ?? '')}`);
    expect(older).toHaveLength(1);
    expect([newest?.requestId, next?.requestId]).not.toContain(older[0]?.requestId);
    expect((await admin(gateway.url, '/requests?outcome=lost')).status).toBe(400);
    // Counted where it is heard, which nobody waits for.
    await eventually(async () =>
      expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(
        /webhook_gateway_outcomes_total\{outcome="failed",[^}]*\} 2/,
      ),
    );
  }, 60_000);

  test('cannot replay to a plugin that is not enabled', async () => {
    let enabled = true;
    await room.runner(() => anAnswer(200), { isEnabled: () => enabled });
    const gateway = await room.gateway();
    await post(gateway, await endpointOf(gateway));
    const [kept] = (await admin(gateway.url, '/requests')).data as { requestId: string }[];
    enabled = false;
    await eventually(async () =>
      expect(await admin(gateway.url, `/requests/${kept?.requestId ?? ''}/replay`, { method: 'POST' })).toMatchObject({
        status: 404,
        error: { code: 'PLUGIN_NOT_ENABLED' },
      }),
    );
  }, 60_000);

  test('rotates a URL: the one before is valid for the overlap only', async () => {
    await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
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
      requestsPerMinute: 100,
      webhooks: [],
      requests: [],
    });
  }, 60_000);

  test('is told that a plugin is not installed; one that is may have no webhooks', async () => {
    const runner = await room.runner(() => anAnswer(200, ''), { isEnabled: () => false });
    const installer = await runner.broker.answerQuestions('installer', [onlyInstalled('acme', PLUGIN)]);
    room.onClear(() => installer.stop());
    const gateway = await room.gateway();
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
    const runner = await room.runner(() => anAnswer(200, ''));
    const gateway = await room.gateway();
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
    await eventually(async () => expect(await room.stored()).toEqual([]));
    await eventually(async () => expect((await post(gateway, path)).status).toBe(404));
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
