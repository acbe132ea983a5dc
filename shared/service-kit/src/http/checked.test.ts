import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { answerOf, posting, served } from '../testing/serving.ts';
import { checked } from './checked.ts';
import { jsonBody } from './json-body.ts';
import { route } from './openapi.ts';
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

  test('openapi.json tells what may be sent along, and where nothing need be sent', async () => {
    const headers = { type: 'object', properties: { 'X-Colour': { type: 'string', description: 'Which one' } } };
    const make = route({
      method: 'post',
      path: '/make',
      summary: '',
      role: 'any',
      headers,
      body: { type: 'object' },
      answers: {},
    });
    const change = { ...make, method: 'patch', body: { type: 'object', minProperties: 1 } } as const;
    const { url } = await serve({ openapi: [make, change, { ...make, path: '/open', role: 'none' }] });
    const { body } = await answerOf(`${url}/openapi.json`);
    const named = (...names: string[]) =>
      names.map((name) => expect.objectContaining({ name, in: 'header' }) as unknown);
    expect(body).toMatchObject({
      paths: {
        '/make': {
          post: { parameters: named('Idempotency-Key', 'X-Colour'), requestBody: { required: false } },
          patch: { parameters: named('X-Colour'), requestBody: { required: true } },
        },
        '/open': { post: { parameters: named('X-Colour') } },
      },
    });
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
