import { afterEach, describe, expect, test } from '@jest/globals';
import type { HostResponse } from '@verifywise/contracts';
import type { Express } from 'express';
import { expressVersions } from '../testing/express-app.ts';
import {
  hostWith,
  type Before,
  type HostOptions,
  type MiddlewareHost,
  type Plugins,
} from '../testing/middleware-host.ts';
import type { PluginMiddlewareOptions } from './plugin-middleware.ts';

const hosts: MiddlewareHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((made) => made.close()));
});

type Given = [plugins: Plugins, routes: (app: Express) => void, options?: HostOptions];

const ask = (url: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) =>
  fetch(url, { ...init, headers: { 'x-tenant': 'acme', ...init.headers } });
const post = (url: string, body: unknown) =>
  ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const lost = (): Promise<never> => Promise.reject(new Error('no runner'));

describe.each(expressVersions)('on Express $version', ({ express }) => {
  async function host(...given: Given): Promise<MiddlewareHost> {
    const made = await hostWith(express, ...given);
    hosts.push(made);
    return made;
  }

  test('before the route plugins see the request with its user and body, and change what the route sees', async () => {
    const { url, asked } = await host(
      {
        before: ({ request: { headers, body } }) => ({
          request: { headers: { ...headers, 'x-by': 'plugin' }, body: { ...(body as object), b: 2 } },
          state: { begunAt: 5, user: 'forged' },
        }),
      },
      (app) => {
        app.post('/api/risks', (req, res) => {
          const { begunAt, user } = req as unknown as Record<string, unknown>;
          res.json({ body: req.body as unknown, by: req.get('x-by'), begunAt, user });
        });
      },
    );
    const answer = await post(`${url}/api/risks?x=1`, { a: 1 });
    expect(await answer.json()).toEqual({
      body: { a: 1, b: 2 },
      by: 'plugin',
      begunAt: 5,
      user: { id: 7, tenant: 'acme' },
    });
    expect(asked).toMatchObject([
      {
        phase: 'before',
        request: { method: 'POST', url: '/api/risks?x=1', body: { a: 1 }, user: { userId: '7', role: 'Admin' } },
      },
    ]);
  });

  test('a plugin that answers keeps the request from the route', async () => {
    let reached = false;
    const response: HostResponse = {
      status: 422,
      headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] },
      body: { error: 'no title' },
    };
    const { url } = await host({ before: () => ({ kind: 'respond', pluginId: 'guard', response }) }, (app) => {
      app.post('/api/risks', (_req, res) => {
        reached = true;
        res.json({});
      });
    });
    const answer = await post(`${url}/api/risks`, {});
    expect([answer.status, await answer.json(), reached]).toEqual([422, { error: 'no title' }, false]);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(answer.headers.get('content-length')).toBe('20');
  });

  test('after the route plugins see its answer and what was left before, and change status, headers and body', async () => {
    const { url, asked } = await host(
      {
        before: () => ({ state: { begunAt: 5 } }),
        after: ({ response, state }) => ({
          response: {
            status: 202,
            headers: { 'content-type': 'application/json; charset=utf-8', 'x-late': 'yes' },
            body: { ...(response.body as object), carried: state['begunAt'] },
          },
        }),
      },
      (app) => {
        app.get(
          '/api/risks',
          (_req, res) => void res.set('x-route', 'gone').cookie('session', 'secret').json({ n: 1 }),
        );
      },
    );
    const answer = await ask(`${url}/api/risks`);
    const text = await answer.text();
    expect([answer.status, JSON.parse(text)]).toEqual([202, { n: 1, carried: 5 }]);
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    expect([answer.headers.get('x-late'), answer.headers.get('x-route')]).toEqual(['yes', null]);
    expect(answer.headers.getSetCookie()).toEqual(['session=secret; Path=/']);
    expect(JSON.stringify(asked[1])).not.toContain('secret');
  });

  test('a large body of a request reaches the route unchanged, and plugins see none', async () => {
    const { url, asked } = await host(
      { before: () => ({ request: { headers: {}, body: {} } }) },
      (app) => {
        app.post('/api/x', (req, res) => void res.json({ length: (req.body as { text: string }).text.length }));
      },
      { wrap: [express.json({ limit: '10mb' })] },
    );
    const text = 'x'.repeat(5 * 1024 * 1024);
    expect(await (await post(`${url}/api/x`, { text })).json()).toEqual({ length: text.length });
    expect((asked[0] as Before).request).not.toHaveProperty('body');
  });

  test('an upload that is no JSON streams to the route as it was sent', async () => {
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 256));
    const { url, asked } = await host({ before: () => ({}), after: () => ({}) }, (app) => {
      app.post('/api/files', (req, res) => {
        const chunks: Buffer[] = [];
        req.on('data', (chunk: Buffer) => chunks.push(chunk));
        req.on('end', () => void res.json({ same: Buffer.concat(chunks).equals(sent) }));
      });
    });
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await ask(`${url}/api/files`, { method: 'POST', headers, body: sent });
    expect(await answer.json()).toEqual({ same: true });
    expect(asked).toHaveLength(2);
    for (const { request } of asked) expect(request).not.toHaveProperty('body');
  });

  test('plugins that cannot be asked let the request pass, before and after', async () => {
    const lost = () => Promise.reject(new Error('no runner'));
    const { url } = await host({ before: lost, after: lost }, (app) => {
      app.get('/api/x', (_req, res) => void res.json({ n: 1 }));
    });
    const answer = await ask(`${url}/api/x`);
    expect([answer.status, await answer.json()]).toEqual([200, { n: 1 }]);
  });

  test.each<[string, Plugins, PluginMiddlewareOptions]>([
    ['a plugin before it fails closed', { before: lost, failClosed: true }, {}],
    ['a plugin after it fails closed', { after: lost, failClosed: true }, {}],
    ['the host fails closed', { before: lost }, { failClosed: true }],
    ['the host fails closed for answers too', { after: lost }, { failClosed: true }],
  ])('a request is refused when %s and cannot be asked', async (_what, plugins, options) => {
    const { url } = await host(
      plugins,
      (app) => void app.get('/api/x', (_req, res) => void res.json({ n: 1 })),
      options,
    );
    const answer = await ask(`${url}/api/x`);
    expect([answer.status, answer.headers.get('etag')]).toEqual([503, null]);
    expect(await answer.json()).toMatchObject({ success: false, error: { code: 'UNAVAILABLE' } });
  });

  test('a client that leaves while plugins are asked does not keep them from deciding', async () => {
    const decide = Promise.withResolvers<undefined>();
    const asked = Promise.withResolvers<undefined>();
    let reached = false;
    const response = { status: 403, headers: {} };
    const { url } = await host(
      {
        before: async () => {
          asked.resolve(undefined);
          await decide.promise;
          return { kind: 'respond', pluginId: 'guard', response };
        },
      },
      (app) => {
        app.post('/api/x', (_req, res) => {
          reached = true;
          res.json({});
        });
        app.get('/api/y', (_req, res) => void res.json({ reached }));
      },
    );
    const leaving = new AbortController();
    const left = ask(`${url}/api/x`, { method: 'POST', signal: leaving.signal });
    await asked.promise;
    leaving.abort();
    await expect(left).rejects.toThrow();
    decide.resolve(undefined);
    expect((await ask(`${url}/api/y`)).status).toBe(403);
    expect(reached).toBe(false);
  });

  test('requests of other tenants, other paths and of nobody are not asked about', async () => {
    const { url, asked } = await host({ before: lost, after: lost, failClosed: true }, (app) => {
      app.get(['/api/x', '/other'], (_req, res) => void res.json({ n: 1 }));
    });
    const statuses = [
      await ask(`${url}/other`),
      await ask(`${url}/api/x`, { headers: { 'x-tenant': 'globex' } }),
      await fetch(`${url}/api/x`),
    ].map(({ status }) => status);
    expect([statuses, asked]).toEqual([[200, 200, 200], []]);
  });
});
