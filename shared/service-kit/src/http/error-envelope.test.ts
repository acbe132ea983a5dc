import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import express from 'express';
import { answerOf, listeningLogger, posting, served } from '../testing/serving.ts';
import { jsonBody } from './json-body.ts';
import type { HttpOptions, HttpServer } from './serve-http.ts';
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
    router.get('/without-database', () => {
      throw new Error('timeout exceeded when trying to connect');
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
    expect((line?.err as { stack: string }).stack).toContain('error-envelope.test.ts');
  });

  test('a database that does not answer is 503, and the request may be sent again', async () => {
    const { url } = await serve({ routers: [failing] });
    const answer = await fetch(`${url}/without-database`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await answer.json()).toMatchObject({ error: { code: 'UNAVAILABLE' } });
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

  test('a body that is too large is told how large it may be', async () => {
    const { url } = await serve({ routers: [failing] });
    const answer = await answerOf(`${url}/read`, posting({ a: 'x'.repeat(200) }));
    const message = 'The body is larger than the 100 bytes that this path accepts';
    expect(answer.body).toMatchObject({ error: { code: 'TOO_LARGE', message } });
  });

  test('a request without a body is read as undefined', async () => {
    const { url } = await serve({ routers: [failing] });
    expect(await answerOf(`${url}/read`, { method: 'POST' })).toMatchObject({ status: 200, body: { success: true } });
  });
});
