import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import type { JobOutcome, JobRun, WebhookDelivery, WebhookOutcome } from '@verifywise/contracts';
import { DeliverWebhook, JobFinished, RunJob, WebhookFinished } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';

const PLUGIN = `
const { createHash } = require('node:crypto');
const echo = (req, res) => res.status(202).json({
  method: req.method, raw: req.rawBody.toString('base64'), body: Buffer.isBuffer(req.body) ? 'bytes' : req.body ?? null, query: req.query, tenant: req.tenantId });
module.exports = {
  webhooks: () => ({
    echo: { handler: echo },
    silent: { handler() {} },
    throws: { handler() { throw new Error('secret detail'); } },
    never: { handler: () => new Promise(() => undefined) },
    half: { handler: (req, res) => { res.write('half'); return new Promise(() => undefined); } },
    large: { handler: (req, res) => res.end('x'.repeat(2_000_000)) },
    digest: { bodyLimit: 26214400, handler: (req, res) => res.json({ bytes: req.rawBody.length, sha256: createHash('sha256').update(req.rawBody).digest('hex') }) },
    cookies: { handler: (req, res) => res.append('set-cookie', 'a=1').append('set-cookie', 'b=2').end() },
    exits: { handler() { process.exit(1); } },
  }),
  onEnable(ctx) {
    ctx.scheduler.schedule('daily', async (data, job) => { if (data.fails) throw new Error('job failed'); if (data.hangs) await new Promise(() => undefined); }, { cron: '0 0 * * *' }).catch(() => undefined);
  },
};`;

interface StoredBody {
  bytes?: Buffer;
  status?: number;
  /** Ends the connection after so many bytes. */
  cutAt?: number;
}

/** Where the gateway keeps large bodies. */
function startStoredBodies() {
  const bodies = new Map<string, StoredBody>();
  const tokens = new Map<string, string | string[] | undefined>();
  const server = createServer((req, res) => {
    const requestId = req.url?.split('/').at(-1) ?? '';
    tokens.set(requestId, req.headers['x-service-token']);
    const { bytes = Buffer.alloc(0), status = 200, cutAt } = bodies.get(requestId) ?? { status: 404 };
    res.writeHead(status, cutAt === undefined ? {} : { 'content-length': bytes.length });
    if (cutAt === undefined) res.end(bytes);
    else res.write(bytes.subarray(0, cutAt), () => res.destroy());
  });
  const listening = once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: listening.then(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    keep(body: StoredBody): string {
      const requestId = randomUUID();
      bodies.set(requestId, body);
      return requestId;
    },
    tokenOf: (requestId: string) => tokens.get(requestId)?.toString(),
    close: () => void server.close(),
  };
}

describe('webhooks and jobs, as gateway and scheduler send them', () => {
  let room: RunnerRoom;
  const webhooks: WebhookOutcome[] = [];
  const jobs: JobOutcome[] = [];
  const stored = startStoredBodies();
  beforeAll(async () => {
    room = await RunnerRoom.open();
    await room.startRunner({ HANDLER_LIMIT_MS: '1000', WEBHOOK_GATEWAY_URL: await stored.url });
    await room.broker.subscribe('scheduler', [
      hearing(WebhookFinished, (outcome) => Promise.resolve(void webhooks.push(outcome))),
      hearing(JobFinished, (outcome) => Promise.resolve(void jobs.push(outcome))),
    ]);
    await room.enabled({ tenant: 'hooks', code: PLUGIN });
    await room.install({ tenant: 'off', code: PLUGIN });
  });
  afterAll(async () => {
    await room.close();
    stored.close();
  });

  async function deliver(webhook: string, request: Partial<WebhookDelivery> = {}, tenant = 'hooks') {
    const payload: WebhookDelivery = {
      pluginId: 'recorder',
      webhook,
      requestId: randomUUID(),
      method: 'POST',
      url: '',
      headers: {},
      bodyBase64: '',
      receivedAt: new Date().toISOString(),
      ...request,
    };
    const outcome = await room.broker.sendAndWait(DeliverWebhook, { tenant, payload }, { deadlineMs: 10_000 });
    await eventually(() =>
      expect(webhooks.filter(({ requestId }) => requestId === payload.requestId)).toEqual([outcome]),
    );
    const body = Buffer.from(outcome.answer?.bodyBase64 ?? '', 'base64').toString();
    return { ...outcome, json: body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : body };
  }

  const json = Buffer.from('{ "a":\t1,  "ü": "\\u0041" }');
  const binary = randomBytes(70_000);
  test.each([
    ['JSON with its white space', 'application/json', json, { a: 1, ü: 'A' }],
    ['JSON of another kind', 'application/vnd.api+json; charset=utf-8', json, { a: 1, ü: 'A' }],
    ['a form', 'application/x-www-form-urlencoded', Buffer.from('a=1&b%5Bc%5D=2'), { a: '1', b: { c: '2' } }],
    ['text', 'text/plain', Buffer.from('grüß'), 'grüß'],
    ['bytes', 'application/octet-stream', binary, 'bytes'],
    ['bytes of an unknown kind', 'x-odd/;;thing', binary, 'bytes'],
    ['bytes of no kind', undefined, binary, 'bytes'],
  ])('a webhook with %s arrives byte for byte, and parsed', async (_what, type, bytes, body) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const { outcome, answer, json } = await deliver('echo', { headers, bodyBase64: bytes.toString('base64') });
    expect([outcome, answer?.status]).toEqual(['answered', 202]);
    expect(json).toEqual({ method: 'POST', raw: bytes.toString('base64'), body, query: {}, tenant: 'hooks' });
  });

  test('a compressed webhook is parsed unpacked, and its raw body is what was sent', async () => {
    const bytes = gzipSync(json);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const { json: seen } = await deliver('echo', { headers, bodyBase64: bytes.toString('base64') });
    expect(seen).toMatchObject({ raw: bytes.toString('base64'), body: { a: 1, ü: 'A' } });
  });

  test('a GET without a body arrives with its query and empty', async () => {
    const { json: seen } = await deliver('echo', { method: 'GET', url: '?challenge=x%20y' });
    expect(seen).toMatchObject({ method: 'GET', raw: '', query: { challenge: 'x y' } });
  });

  test.each([
    ['answers nothing', 'silent', { outcome: 'answered', answer: { status: 204 } }],
    ['throws', 'throws', { outcome: 'failed', answer: { status: 500 } }],
    ['never answers', 'never', { outcome: 'timed-out' }],
    ['never ends its answer', 'half', { outcome: 'timed-out' }],
    ['answers too much', 'large', { outcome: 'failed' }],
    ['is not there', 'unknown', { outcome: 'answered', answer: { status: 404 } }],
  ])('a webhook whose handler %s', async (_what, webhook, expected) => {
    const result = await deliver(webhook);
    expect(result).toMatchObject(expected);
    expect(JSON.stringify(result)).not.toContain('secret detail');
  });

  test('cookies of an answer stay apart', async () => {
    expect(await deliver('cookies')).toMatchObject({ answer: { headers: { 'set-cookie': ['a=1', 'b=2'] } } });
  });

  test('a body that is too large for a message is fetched from the gateway, as the tenant it belongs to', async () => {
    const bytes = randomBytes(3_000_000);
    const requestId = stored.keep({ bytes });
    const outcome = await deliver('digest', { requestId, bodyElsewhere: { bytes: bytes.length } });
    expect(outcome.json).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    const [, payload = ''] = (stored.tokenOf(requestId) ?? '').split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: 'plugin-runner',
      aud: 'webhook-gateway',
      tenant: 'hooks',
    });
  });

  test.each<[string, StoredBody, string]>([
    ['cannot be fetched now', { status: 503 }, 'not-enabled'],
    ['breaks off', { bytes: randomBytes(2_000_000), cutAt: 1_500_000 }, 'not-enabled'],
    ['is shorter than it was', { bytes: randomBytes(1_500_000) }, 'not-enabled'],
    ['is gone', { status: 404 }, 'failed'],
  ])('a webhook whose body %s', async (_what, kept, outcome) => {
    const requestId = stored.keep(kept);
    // What is not enabled is sent again by the gateway.
    expect(await deliver('digest', { requestId, bodyElsewhere: { bytes: 2_000_000 } })).toMatchObject({ outcome });
  });

  test('broken JSON is the sender’s mistake', async () => {
    const request = {
      headers: { 'content-type': 'application/json' },
      bodyBase64: Buffer.from('{').toString('base64'),
    };
    expect(await deliver('echo', request)).toMatchObject({ outcome: 'answered', answer: { status: 400 } });
  });

  test('a plugin that is not enabled, or not there, gets no webhook and no job', async () => {
    expect(await deliver('echo', {}, 'off')).toMatchObject({ outcome: 'not-enabled' });
    expect(await deliver('echo', {}, 'nobody')).toMatchObject({ outcome: 'not-enabled' });
    expect(await run({}, 'off')).toMatchObject({ outcome: 'not-enabled' });
  });

  async function run(job: Partial<JobRun>, tenant = 'hooks') {
    const fireId = randomUUID();
    const dueAt = new Date().toISOString();
    const payload = {
      pluginId: 'recorder',
      schedule: 'daily',
      fireId,
      attempt: 0,
      data: {},
      dueAt,
      limitMs: 700,
      ...job,
    };
    await room.broker.send(RunJob, { tenant, payload });
    return eventually(() => {
      const finished = jobs.filter((outcome) => outcome.fireId === fireId);
      expect(finished).toHaveLength(1);
      return finished[0];
    });
  }

  test('jobs are done, fail with their stack, take too long, or find no handler', async () => {
    expect(await run({})).toMatchObject({ outcome: 'done', attempt: 0, pluginId: 'recorder', schedule: 'daily' });
    const failed = await run({ data: { fails: true }, attempt: 2 });
    expect(failed).toMatchObject({ outcome: 'failed', attempt: 2, error: { message: 'job failed' } });
    expect(failed?.error?.stack).toContain('index.js');
    expect(await run({ data: { hangs: true } })).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('0.7 s') },
    });
    expect(await run({ schedule: 'unknown' })).toMatchObject({ outcome: 'no-handler' });
  });

  test('a webhook whose handler ends the plugin has failed', async () => {
    await room.enabled({ tenant: 'exits', code: PLUGIN });
    expect(await deliver('exits', {}, 'exits')).toMatchObject({ outcome: 'failed' });
  });
});
