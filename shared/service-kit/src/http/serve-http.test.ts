import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import express from 'express';
import { Registry } from 'prom-client';
import { answerOf, served } from '../testing/serving.ts';
import { pathOf, type PlainRoute } from './plain-route.ts';
import { requestIdOf } from './request-id.ts';
import { ListenError, type HttpOptions, type HttpServer } from './serve-http.ts';
import { success } from './success.ts';

const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(options: Partial<HttpOptions>): Promise<HttpServer> {
  const server = await served(options);
  open.push(server);
  return server;
}

function routes(build: (router: express.Router) => void): express.Router {
  const router = express.Router();
  build(router);
  return router;
}

describe('request ids', () => {
  const showing = routes((router) => {
    router.get('/', (req, res) => void res.json(success(requestIdOf(req))));
  });

  test('every answer has one, and handlers know it', async () => {
    const { url } = await serve({ routers: [showing] });
    const answer = await answerOf(url);
    expect(answer.body).toEqual(success(answer.headers.get('x-request-id')));
    expect((await fetch(`${url}/livez`)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('one that could do harm in a log is replaced', async () => {
    const { url } = await serve({ routers: [showing] });
    const answer = await answerOf(url, { headers: { 'x-request-id': 'a "b" c' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a plain route', () => {
  const plain: PlainRoute = {
    route: '/plain/:id',
    takes: (req) => pathOf(req).startsWith('/plain/'),
    serve(req, res) {
      const path = pathOf(req);
      if (path === '/plain/refused') return Promise.reject(new PlatformError('NOT_FOUND', 'Nobody knows it'));
      if (path === '/plain/broken') return Promise.reject(new Error('secret detail'));
      if (path === '/plain/half') {
        res.write('half');
        return Promise.reject(new Error('No more of it'));
      }
      res.end(JSON.stringify({ id: requestIdOf(req), path }));
      return Promise.resolve();
    },
  };

  test('has request ids and metrics like every other, and takes only what is its own', async () => {
    const metrics = new Registry();
    const { url } = await serve({ plain, metrics });
    const answer = await answerOf(`${url}/plain/1?a=2`);
    expect(answer.body).toEqual({ id: answer.headers.get('x-request-id'), path: '/plain/1' });
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await answerOf(`${url}/other`)).status).toBe(404);
    expect(await metrics.metrics()).toMatch(/route="\/plain\/:id",status="200"/);
  });

  test('that throws is answered by the envelope; half an answer is cut', async () => {
    const { url } = await serve({ plain });
    expect(await answerOf(`${url}/plain/refused`)).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    });
    const broken = await answerOf(`${url}/plain/broken`);
    expect(broken).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } });
    expect(JSON.stringify(broken.body)).not.toContain('secret detail');
    await expect(fetch(`${url}/plain/half`).then((half) => half.text())).rejects.toThrow();
  });
});

describe('health', () => {
  test('ready when every check passes, alive in any case', async () => {
    const checks = { database: () => Promise.resolve(), broker: () => true };
    const { url } = await serve({ ready: checks });
    expect(await answerOf(`${url}/readyz`)).toMatchObject({ status: 200, body: { status: 'ready', failing: [] } });
    expect((await answerOf(`${url}/livez`)).status).toBe(200);
  });

  test('checks that throw, reject or say false are named, without what they said', async () => {
    const { url } = await serve({
      ready: {
        database: () => Promise.reject(new Error('password hush is wrong')),
        broker: () => false,
        redis: () => {
          throw new Error('no');
        },
        fine: () => undefined,
      },
    });
    const answer = await answerOf(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ status: 'not ready', failing: ['database', 'broker', 'redis'] });
    expect((await answerOf(`${url}/livez`)).status).toBe(200);
  });

  test('what stops is not ready, and still serves', async () => {
    const server = await serve({});
    server.setNotReady();
    expect(await answerOf(`${server.url}/readyz`)).toMatchObject({ status: 503, body: { failing: ['stopping'] } });
    expect((await answerOf(`${server.url}/livez`)).status).toBe(200);
  });
});

describe('metrics', () => {
  test('requests are measured by route, never by path', async () => {
    const router = routes((r) => {
      r.get('/plugins/:id/config', (_req, res) => void res.json(success(1)));
      r.get('/broken', () => {
        throw new Error('broken');
      });
    });
    const { url } = await serve({ routers: [['/api/:tenant', router]] });
    await answerOf(`${url}/api/acme/plugins/slack/config`);
    await answerOf(`${url}/api/acme/broken`);
    await answerOf(`${url}/nowhere/1`);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/api\/:tenant\/plugins\/:id\/config",status="200"\} 1/,
    );
    expect(text).toContain('route="/api/:tenant/broken",status="500"');
    expect(text).toContain('route="none",status="404"');
    expect(text).not.toMatch(/acme|slack|nowhere/);
  });
});

describe('closing', () => {
  test('a request in flight finishes, its connection is not kept, and new ones are refused', async () => {
    const [arrived, release] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const router = routes((r) => {
      r.get('/slow', async (_req, res) => {
        arrived.resolve(undefined);
        await release.promise;
        res.json(success('done'));
      });
    });
    const server = await serve({ routers: [router] });
    const slow = answerOf(`${server.url}/slow`);
    await arrived.promise;
    const closing = server.close();
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
    release.resolve(undefined);
    expect((await slow).body).toEqual(success('done'));
    await closing;
  });

  test('an idle connection that is kept alive does not hold it open', async () => {
    const server = await serve({});
    const socket = connect(server.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n');
    await answered;
    await server.close();
    await closed;
  });

  test('a request that does not end is cut at the drain deadline', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const router = routes((r) => {
      r.get('/never', () => arrived.resolve(undefined));
    });
    const server = await serve({ routers: [router], drainDeadlineMs: 20 });
    const never = fetch(`${server.url}/never`);
    const refused = expect(never).rejects.toThrow();
    await arrived.promise;
    await server.close();
    await refused;
  });

  test('closing twice is closing once', async () => {
    const server = await serve({});
    await Promise.all([server.close(), server.close()]);
  });

  test('a port in use is said in a sentence', async () => {
    const { port } = await serve({});
    const second = served({ port });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(/^Port \d+ on 127\.0\.0\.1 is in use/);
  });
});
