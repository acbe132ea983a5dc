import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import express from 'express';
import { answerOf, listeningLogger, posting, served } from '../testing/serving.ts';
import { checked } from './checked.ts';
import { jsonBody } from './json-body.ts';
import { route } from './openapi.ts';
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

describe('the error envelope', () => {
  const failing = routes((router) => {
    router.get('/refused', async () => {
      await Promise.resolve();
      throw new PlatformError('DEPENDENTS_EXIST', 'slack is needed by jira', { details: { dependents: ['jira'] } });
    });
    router.get('/broken', async () => {
      await Promise.resolve();
      throw new Error('relation "secret_table" does not exist: SELECT * FROM secret_table');
    });
    router.get('/busy', () => {
      throw new PlatformError('BUSY', 'Another operation is running', { details: { retryAfterSeconds: 1.2 } });
    });
    router.get('/odd', () => {
      throw 'a text' as unknown as Error;
    });
    router.get('/half', (_req, res) => {
      res.write('{"success":');
      throw new Error('broke in the middle');
    });
    router.get('/item/:id', (_req, res) => void res.json(success(1)));
    router.post('/read', jsonBody(100), (req, res) => void res.json(success(req.body as unknown)));
  });

  test('an error of ours has its status, code, message and details', async () => {
    const { url } = await serve({ routers: [['/api', failing]] });
    const answer = await answerOf(`${url}/api/refused`);
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      success: false,
      error: { code: 'DEPENDENTS_EXIST', message: 'slack is needed by jira', details: { dependents: ['jira'] } },
    });
  });

  test('an unknown error is 500 with the request id, and only the log has what happened', async () => {
    const { log, lines } = listeningLogger();
    const { url } = await serve({ routers: [failing], log });
    const answer = await answerOf(`${url}/broken`, { headers: { 'x-request-id': 'abc-1' } });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('x-request-id')).toBe('abc-1');
    expect(answer.body).toMatchObject({ success: false, error: { code: 'INTERNAL', details: { requestId: 'abc-1' } } });
    expect(JSON.stringify(answer.body)).not.toMatch(/SELECT|secret_table|at /);
    const line = lines().find(({ level }) => level === 'error');
    expect(line).toMatchObject({ requestId: 'abc-1', method: 'GET', path: '/broken' });
    expect((line?.err as { stack: string }).stack).toContain('serve-http.test.ts');
  });

  test('what is thrown and no error is 500 too', async () => {
    const { url } = await serve({ routers: [failing] });
    expect((await answerOf(`${url}/odd`)).body).toMatchObject({ error: { code: 'INTERNAL' } });
  });

  test('when to come back is said in the header made for it', async () => {
    const { url } = await serve({ routers: [failing] });
    const answer = await answerOf(`${url}/busy`);
    expect(answer.status).toBe(423);
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('an answer that breaks in the middle is cut, so that nobody takes the half for the whole', async () => {
    const { url } = await serve({ routers: [failing] });
    await expect(fetch(`${url}/half`).then((response) => response.text())).rejects.toThrow();
  });

  test('an unknown path is 404', async () => {
    const { url } = await serve({ routers: [failing] });
    const answer = await answerOf(`${url}/nowhere`, { method: 'DELETE' });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { code: 'NOT_FOUND', message: 'There is nothing at DELETE /nowhere' } });
  });

  test.each<[string, string, RequestInit, number, string]>([
    ['malformed JSON', '/read', { ...posting(''), body: '{"a":' }, 400, 'BAD_REQUEST'],
    ['a JSON text instead of an object', '/read', posting('text'), 400, 'BAD_REQUEST'],
    ['a body too large', '/read', posting({ a: 'x'.repeat(200) }), 413, 'TOO_LARGE'],
    [
      'another type',
      '/read',
      { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'another charset',
      '/read',
      posting({}, { 'content-type': 'application/json; charset=klingon' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a path that cannot be decoded', '/item/%E0%A4%A', {}, 400, 'BAD_REQUEST'],
  ])('%s', async (_what, path, init, status, code) => {
    const { url } = await serve({ routers: [failing] });
    const answer = await answerOf(`${url}${path}`, init);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ success: false, error: { code } });
  });

  test('a request without a body is read as undefined', async () => {
    const { url } = await serve({ routers: [failing] });
    expect(await answerOf(`${url}/read`, { method: 'POST' })).toMatchObject({ status: 200, body: { success: true } });
  });
});

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

describe('checked', () => {
  const find = route({
    method: 'get',
    path: '/find/:id',
    summary: 'Finds',
    role: 'any',
    params: { type: 'object', properties: { id: { type: 'integer' } } },
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        page: { type: 'integer', minimum: 1, default: 1 },
        exact: { type: 'boolean' },
        tag: { type: 'array', items: { type: 'string' } },
      },
    },
    answers: { 200: 'Found' },
  });
  const save = {
    body: {
      type: 'object',
      required: ['id'],
      additionalProperties: false,
      properties: {
        id: { type: 'string', pattern: '^[a-z]+$' },
        at: { type: 'string', format: 'date-time' },
        kind: { enum: ['a', 'b'] },
      },
    },
  };
  const router = routes((r) => {
    r.get(find.path, checked(find), (req, res) => void res.json(success({ params: req.params, query: req.query })));
    r.post('/save', jsonBody(), checked(save), (req, res) => void res.json(success(req.body as unknown)));
    r.post(
      '/optional',
      jsonBody(),
      checked({ body: { type: 'object' } }),
      (req, res) => void res.json(success(req.body as unknown)),
    );
  });

  test('texts of path and query become what the schema wants, defaults are filled in', async () => {
    const { url } = await serve({ routers: [router] });
    expect((await answerOf(`${url}/find/7?exact=true&tag=x`)).body).toEqual(
      success({ params: { id: 7 }, query: { page: 1, exact: true, tag: ['x'] } }),
    );
  });

  test('everything that is wrong is told at once', async () => {
    const { url } = await serve({ routers: [router] });
    const answer = await answerOf(`${url}/find/x?page=0&more=1`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: {
        code: 'VALIDATION_FAILED',
        details: {
          issues: [
            { path: 'path.id', message: 'must be integer' },
            { path: 'query.more', message: 'is not known here' },
            { path: 'query.page', message: 'must be >= 1' },
          ],
        },
      },
    });
  });

  test('a body is taken as it is, never bent to fit', async () => {
    const { url } = await serve({ routers: [router] });
    expect((await answerOf(`${url}/save`, posting({ id: 7 }))).status).toBe(400);
    expect((await answerOf(`${url}/save`, posting({ id: 'slack', at: '2025-01-01T00:00:00Z' }))).status).toBe(200);
    const answer = await answerOf(`${url}/save`, posting({ at: 'soon', kind: 'c' }));
    expect(answer.body).toMatchObject({
      error: {
        details: {
          issues: [
            { path: 'body.id', message: 'is required' },
            { path: 'body.at', message: 'must match format "date-time"' },
            { path: 'body.kind', message: 'must be one of a, b' },
          ],
        },
      },
    });
  });

  test('no body is an empty one', async () => {
    const { url } = await serve({ routers: [router] });
    expect((await answerOf(`${url}/optional`, { method: 'POST' })).body).toEqual(success({}));
  });

  test('a schema with a mistake is noticed when the route is made', () => {
    expect(() => checked({ body: { type: 'object', propertees: {} } })).toThrow('propertees');
  });

  test('openapi.json tells of the same schemas', async () => {
    const { url } = await serve({ routers: [router], openapi: [find] });
    const { body } = await answerOf(`${url}/openapi.json`);
    expect(body).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'sample' },
      paths: {
        '/find/{id}': {
          get: {
            summary: 'Finds',
            security: [{ bearer: [] }],
            parameters: [
              { name: 'id', in: 'path', required: true, schema: { type: 'integer' } },
              { name: 'page', in: 'query', required: false, schema: { type: 'integer', minimum: 1, default: 1 } },
              { name: 'exact', in: 'query' },
              { name: 'tag', in: 'query' },
            ],
            responses: { 200: { description: 'Found' }, default: {} },
          },
        },
      },
    });
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
