import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { tokenOf } from '../testing/runner-process.ts';

/** Answers with what it got, streams, and remembers whether a client went away. */
const ROUTES = `
let aborted = 0;
module.exports = {
  routes(router) {
    router.all('/echo{/*rest}', (req, res) => res.json({ method: req.method, url: req.url, tenant: req.tenantId, user: req.userId, role: req.role, body: req.body ?? null, headers: req.headers }));
    router.all('/logs', (req, res) => res.json({ own: 'logs' }));
    router.all('/:name/logs', (req, res) => res.json({ own: req.params.name }));
    router.get('/', (req, res) => res.json({ root: true }));
    router.get('/throws', () => { throw new Error('secret detail'); });
    router.get('/ticks', async (req, res) => {
      res.setHeader('content-type', 'text/event-stream');
      res.flushHeaders();
      for (let tick = 0; tick < 3; tick += 1) { await new Promise((r) => setTimeout(r, 100)); res.write('tick ' + tick + ';'); }
      res.end();
    });
    router.post('/upper', (req, res) => { req.on('data', (chunk) => res.write(chunk.toString().toUpperCase())); req.on('end', () => res.end()); });
    router.get('/forever', (req, res) => { res.write('begun;'); res.on('close', () => { aborted += 1; }); });
    router.get('/aborted', (req, res) => res.json({ aborted }));
    router.delete('/length', (req, res) => { let bytes = 0; req.on('data', (chunk) => (bytes += chunk.length)); req.on('end', () => res.json({ bytes })); });
    router.get('/cookies', (req, res) => { res.setHeader('set-cookie', ['a=1', 'b=2']); res.status(201).end('ok'); });
  },
};`;
const ENABLED_TENANTS = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];

describe('routes of plugins', () => {
  let room: RunnerRoom;
  let runners: RunnerProcess[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runners = [await room.startRunner(), await room.startRunner()];
    await Promise.all(ENABLED_TENANTS.map((tenant) => room.enabled({ tenant, code: ROUTES, granted: [] })));
  });
  afterAll(() => room.close());

  /** Both ways to a plugin: through the runner that holds its tenant, and through the one that does not. */
  async function everywhere(check: (runner: RunnerProcess, tenant: string) => Promise<void>): Promise<void> {
    for (const runner of runners) for (const tenant of ['r1', 'r2', 'r3', 'r4']) await check(runner, tenant);
  }

  test('whichever runner is asked, the plugin of the tenant answers, and knows who asks', async () => {
    await everywhere(async (runner, tenant) => {
      const { status, body } = await runner.get(tenant, '/api/plugins/recorder/echo/a%20b?c=d');
      expect(status).toBe(200);
      expect(body).toMatchObject({ method: 'GET', url: '/echo/a%20b?c=d', tenant, user: '1', role: 'Admin' });
    });
  });

  test('a plugin sees neither the token nor the cookies of its caller, and nobody says who they are', async () => {
    const forged = Buffer.from(JSON.stringify({ tenant: 'other', role: 'Operator' })).toString('base64');
    const headers = { cookie: 'session=1', 'x-verifywise-identity': forged, 'x-mine': 'yes' };
    await everywhere(async (runner, tenant) => {
      const answer = await runner.fetch(tenant, '/api/plugins/recorder/echo', { headers });
      const body = (await answer.json()) as { tenant: string; role: string; headers: Record<string, string> };
      expect(body).toMatchObject({ tenant, role: 'Admin', headers: { 'x-mine': 'yes' } });
      for (const name of ['authorization', 'cookie', 'x-verifywise-identity', 'x-service-token'])
        expect(body.headers).not.toHaveProperty(name);
    });
  });

  test.each(['/_', '/_/', '/_?a=1', '', '/', '?a=1'])('the root of a plugin is reached by %s', async (path) => {
    expect((await runners[0]?.get('r1', `/api/plugins/recorder${path}`))?.body).toEqual({ root: true });
  });

  test('what the platform hides is reached below /_/, once', async () => {
    const { body } = (await runners[0]?.get('r1', '/api/plugins/recorder/_/echo/_/x')) ?? {};
    expect(body).toMatchObject({ url: '/echo/_/x' });
  });

  test.each([
    ['GET', '/logs', 'the platform'],
    ['GET', '/LOGS/?limit=1', 'the platform'],
    ['POST', '/logs', 'logs'],
    ['GET', '/_/logs', 'logs'],
    ['GET', '/my/logs', 'my'],
  ])('%s %s is answered by %s', async (method, path, by) => {
    const answer = await runners[0]?.fetch('r1', `/api/plugins/recorder${path}`, { method });
    const body = (await answer?.json()) as { own?: string; success?: boolean };
    expect(body.own ?? (body.success && 'the platform')).toBe(by);
  });

  test('an id that cannot be decoded is refused, one that is only encoded is not', async () => {
    expect((await runners[0]?.get('r1', '/api/plugins/recorde%72/echo'))?.status).toBe(200);
    expect(await runners[0]?.get('r1', '/api/plugins/recorder%E0%A4/echo')).toMatchObject({
      status: 400,
      body: { success: false, error: { code: 'BAD_REQUEST' } },
    });
  });

  test('answers and bodies are streamed', async () => {
    await everywhere(async (runner, tenant) => {
      const answer = await runner.fetch(tenant, '/api/plugins/recorder/ticks');
      const chunks: string[] = [];
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk).toString());
      expect(chunks.length).toBeGreaterThan(1);
      expect(chunks.join('')).toBe('tick 0;tick 1;tick 2;');
    });
    for (const { url } of runners) {
      const [first, rest] = await new Promise<[string, string]>((resolve, reject) => {
        void tokenOf('r1').then((token) => {
          const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/plain' };
          const outgoing = request(`${url}/api/plugins/recorder/upper`, { method: 'POST', headers }, (answer) => {
            let text = '';
            let begun: string | undefined;
            answer.on('data', (chunk: Buffer) => {
              text += chunk.toString();
              // Only once the first part has come back is the second one sent.
              if (begun === undefined) outgoing.end('def');
              begun ??= text;
            });
            answer.on('end', () => resolve([begun ?? '', text]));
          });
          outgoing.on('error', reject);
          outgoing.write('abc');
        });
      });
      expect([first, rest]).toEqual(['ABC', 'ABCDEF']);
    }
  });

  test('a body of unknown length of any method arrives whole, and the connection is good for the next', async () => {
    for (const { url } of runners) {
      const token = await tokenOf('r1');
      const bytes = await new Promise<unknown>((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
        const outgoing = request(`${url}/api/plugins/recorder/length`, { method: 'DELETE', headers }, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve(JSON.parse(text)));
        });
        outgoing.on('error', reject);
        outgoing.write('GET /api/plugins/recorder/throws HTTP/1.1\r\n');
        outgoing.end('\r\n');
      });
      expect(bytes).toEqual({ bytes: 45 });
    }
    expect((await runners[0]?.get('r1', '/api/plugins/recorder/echo'))?.status).toBe(200);
  });

  test('when the client goes away, so does the request behind', async () => {
    for (const [index, runner] of runners.entries()) {
      const gone = new AbortController();
      const answer = await runner.fetch('r1', '/api/plugins/recorder/forever', { signal: gone.signal });
      await answer.body?.getReader().read();
      gone.abort();
      await eventually(async () =>
        expect((await runner.get('r1', '/api/plugins/recorder/aborted')).body).toEqual({ aborted: index + 1 }),
      );
    }
  });

  test('HEAD, several cookies and the status are passed on', async () => {
    await everywhere(async (runner, tenant) => {
      const head = await runner.fetch(tenant, '/api/plugins/recorder/echo', { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0);
      const cookies = await runner.fetch(tenant, '/api/plugins/recorder/cookies');
      expect([cookies.status, cookies.headers.getSetCookie(), await cookies.text()]).toEqual([
        201,
        ['a=1', 'b=2'],
        'ok',
      ]);
    });
  });

  test('a JSON body of up to 15 MB is read, a larger one is 413 in the envelope', async () => {
    const post = async (runner: RunnerProcess, bytes: number) => {
      const body = JSON.stringify({ text: 'x'.repeat(bytes) });
      const headers = { 'content-type': 'application/json' };
      return runner.fetch('r1', '/api/plugins/recorder/echo', { method: 'POST', body, headers });
    };
    for (const runner of runners) {
      expect((await post(runner, 14_000_000)).status).toBe(200);
      const refused = await post(runner, 17_000_000);
      expect(refused.status).toBe(413);
      const message = 'The body is larger than the 15728640 bytes that this route accepts';
      expect(await refused.json()).toMatchObject({ success: false, error: { code: 'TOO_LARGE', message } });
    }
  });

  test('an error in a route is 500 without its message, and the plugin goes on', async () => {
    await everywhere(async (runner, tenant) => {
      const failed = await runner.get(tenant, '/api/plugins/recorder/throws');
      expect(failed).toMatchObject({ status: 500, body: { success: false, error: { code: 'HANDLER_FAILED' } } });
      expect(JSON.stringify(failed.body)).not.toContain('secret detail');
      expect((await runner.get(tenant, '/api/plugins/recorder/nothing')).status).toBe(404);
    });
  });

  test('a plugin that serves nothing has no routes', async () => {
    await room.enabled({ tenant: 'r1', id: 'silent', code: 'module.exports = {};', granted: [] });
    for (const runner of runners) {
      expect(await runner.get('r1', '/api/plugins/silent/anything')).toMatchObject({
        status: 404,
        body: { success: false, error: { code: 'NOT_FOUND' } },
      });
    }
  });

  test('a tenant without the plugin, and a caller without a token, get the envelope', async () => {
    for (const runner of runners) {
      expect(await runner.get('nobody', '/api/plugins/recorder/echo')).toMatchObject({
        status: 404,
        body: { success: false, error: { code: 'PLUGIN_NOT_INSTALLED' } },
      });
      const anonymous = await fetch(`${runner.url}/api/plugins/recorder/echo`);
      expect([anonymous.status, await anonymous.json()]).toMatchObject([401, { success: false }]);
    }
  });

  test('while the runner of a tenant is killed, requests wait for the next one', async () => {
    const [first, second] = runners as [RunnerProcess, RunnerProcess];
    await first.stop('SIGKILL');
    for (const tenant of ENABLED_TENANTS) {
      expect((await second.get(tenant, '/api/plugins/recorder/echo')).status).toBe(200);
    }
  });
});
