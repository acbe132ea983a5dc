import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { SurfaceMiddleware } from '@verifywise/contracts';
import type { MiddlewareRequest, MiddlewareResponse } from '@verifywise/plugin-types';
import { PluginMiddleware } from './plugin-middleware.ts';
import type { MiddlewareCall } from './protocol.ts';

type Next = (error?: unknown) => void;
type Handler = (req: MiddlewareRequest, res: MiddlewareResponse, next: Next, ctx: object) => unknown;

const log = jest.fn();
let middleware: PluginMiddleware;
beforeEach(() => {
  log.mockReset();
  middleware = new PluginMiddleware({ pluginId: 'audit', tenant: 'acme' }, log);
});

// With the four parameters of the spec, however many of them a test's handler names.
const add = (position: 'before' | 'after', handler: Handler, options: object) =>
  middleware.add(
    '/api/*',
    position,
    ((req: MiddlewareRequest, res: MiddlewareResponse, next: Next, ctx: object) =>
      handler(req, res, next, ctx)) as never,
    options,
  );
const before = (handler: Handler, options = {}) => add('before', handler, options);
const after = (handler: Handler, options = {}) => add('after', handler, options);

function run(call: Partial<MiddlewareCall> = {}, request: Partial<MiddlewareCall['request']> = {}) {
  return middleware.run({
    phase: 'before',
    entries: middleware.entries().map(({ id }) => ({ id, params: {} })),
    request: { method: 'GET', url: '/api/risks/7?full=1', headers: {}, ...request },
    state: {},
    limitMs: 10_000,
    deadlineMs: 10_000,
    ...call,
  });
}
const runAfter = (response: MiddlewareCall['response'], call: Partial<MiddlewareCall> = {}) =>
  run({ phase: 'after', ...call, ...(response ? { response } : {}) });

describe("a plugin's middleware", () => {
  test('gets a request of Express', async () => {
    const seen: Record<string, unknown> = {};
    before((req, _res, next, ctx) => {
      Object.assign(seen, {
        ...{ method: req.method, path: req.path, url: req.url, originalUrl: req.originalUrl, query: { ...req.query } },
        ...{
          params: req.params,
          body: req.body as unknown,
          get: req.get('X-Mine'),
          host: req.hostname,
          is: req.is('json'),
        },
        ...{ tenantId: req.tenantId, userId: req.userId, role: req.role, ip: req.ip, ctx },
      });
      next();
    });
    const [{ id }] = middleware.entries() as [SurfaceMiddleware];
    const headers = { 'X-Mine': 'yes', Host: 'app.example', 'Content-Type': 'application/json', 'content-length': '9' };
    await run(
      { entries: [{ id, params: { id: '7' } }] },
      { method: 'POST', headers, body: { title: 'A' }, user: { userId: '42', role: 'Editor' } },
    );
    expect(seen).toEqual({
      ...{ method: 'POST', path: '/api/risks/7', url: '/api/risks/7?full=1', originalUrl: '/api/risks/7?full=1' },
      ...{
        query: { full: '1' },
        params: { id: '7' },
        body: { title: 'A' },
        get: 'yes',
        host: 'app.example',
        is: 'json',
      },
      ...{ tenantId: 'acme', userId: '42', role: 'Editor', ip: undefined },
      ctx: { pluginId: 'audit', tenant: 'acme' },
    });
  });

  test('of the other shape is told apart by its two parameters', async () => {
    const seen: unknown[] = [];
    const exchange = ({ req, pluginId, tenant }: never, next: Next) => {
      seen.push((req as MiddlewareRequest).path, pluginId, tenant);
      next();
    };
    middleware.add('/api/*', 'before', exchange as never);
    expect(await run()).toMatchObject({ kind: 'continue', failures: [] });
    expect(seen).toEqual(['/api/risks/7', 'audit', 'acme']);
  });

  test('changes headers and body, and what it sets on the request stays', async () => {
    before((req, res, next) => {
      req.headers['x-added'] = 'yes';
      delete req.headers['x-gone'];
      (req.body as Record<string, unknown>).title = 'changed';
      req.pluginData = { validated: true, at: new Date(0) };
      res.set('X-Powered', 'plugin');
      next();
    });
    before((req, res, next) => {
      req.second = [req.pluginData, req.get('x-added'), (req.body as { title: string }).title, res.get('x-powered')];
      next();
    });
    const headers = { 'x-gone': '1', accept: ['a', 'b'] };
    expect(await run({ state: { first: 1 } }, { headers, body: { title: 'A' } })).toEqual({
      kind: 'continue',
      request: { headers: { accept: ['a', 'b'], 'x-added': 'yes' }, body: { title: 'changed' } },
      response: { status: 200, headers: { 'x-powered': 'plugin' } },
      state: {
        first: 1,
        pluginData: { validated: true, at: '1970-01-01T00:00:00.000Z' },
        second: [{ validated: true, at: '1970-01-01T00:00:00.000Z' }, 'yes', 'changed', 'plugin'],
      },
      failures: [],
    });
  });

  test('that touches nothing leaves nothing behind', async () => {
    before((req, _res, next) => {
      const used = [req.query, req.path, req.ip, req.protocol, req.accepts('json'), req.fresh, req.body as unknown];
      expect(used).toHaveLength(7);
      next();
    });
    expect(await run()).toEqual({ kind: 'continue', request: { headers: {} }, state: {}, failures: [] });
  });

  test.each<[string, Handler, object]>([
    ['status and JSON', (_req, res) => res.status(400).json({ error: 'no' }), { status: 400, body: { error: 'no' } }],
    ['a status alone', (_req, res) => res.sendStatus(403), { status: 403, body: 'Forbidden' }],
    ['text', (_req, res) => res.send('<b>hi</b>'), { status: 200, body: '<b>hi</b>' }],
    ['nothing', (_req, res) => res.status(204).end(), { status: 204 }],
    [
      'pieces',
      (_req, res) => {
        res.type('json').write('{"a":');
        res.end('1}');
      },
      { status: 200, body: { a: 1 } },
    ],
    ['a head', (_req, res) => res.writeHead(410, { 'x-a': '1' }).end(), { status: 410, headers: { 'x-a': '1' } }],
    ['null', (_req, res) => res.json(null), { status: 200, body: null }],
    [
      'a redirect',
      (_req, res) => res.redirect('/login'),
      { status: 302, headers: expect.objectContaining({ location: '/login' }) },
    ],
    ['a cookie', (_req, res) => res.cookie('a', 'b').end(), { status: 200, headers: { 'set-cookie': 'a=b; Path=/' } }],
    [
      'later',
      async (_req, res) => {
        await Promise.resolve();
        setImmediate(() => res.json(1));
      },
      { status: 200, body: 1 },
    ],
  ])('that answers with %s stops the chain', async (_what, handler, response) => {
    const second = jest.fn();
    before(handler);
    before(second as never);
    expect(await run()).toMatchObject({ kind: 'respond', response, failures: [] });
    expect(second).not.toHaveBeenCalled();
  });

  test('after the route sees its answer, and changes or replaces it', async () => {
    after((_req, res, next) => {
      const body = res.locals.responseBody as { data: Record<string, unknown> };
      body.data.enhancedBy = 'audit';
      res.status(201).set('x-after', String(res.get('content-type')));
      next();
    });
    after((_req, res, next) => {
      res.locals.responseBody = { wrapped: res.locals.responseBody as unknown, status: res.statusCode };
      next();
    });
    const headers = { 'content-type': 'application/json', 'content-length': '7' };
    expect(await runAfter({ status: 200, headers, body: { data: {} } })).toEqual({
      kind: 'continue',
      request: { headers: {} },
      response: {
        status: 201,
        headers: { 'content-type': 'application/json', 'x-after': 'application/json' },
        body: { wrapped: { data: { enhancedBy: 'audit' } }, status: 201 },
      },
      state: {},
      failures: [],
    });
  });

  test('after the route may see no body, and may answer itself', async () => {
    after((_req, res, next) => (res.locals.responseBody ? res.json({ hidden: true }) : next()));
    expect(await runAfter({ status: 204, headers: {} })).toMatchObject({ kind: 'continue', response: { status: 204 } });
    expect(await runAfter({ status: 200, headers: {}, body: [1] })).toMatchObject({
      kind: 'respond',
      response: { status: 200, body: { hidden: true } },
    });
  });

  test.each<[string, Handler, string]>([
    [
      'throws',
      () => {
        throw new Error('no luck');
      },
      'no luck',
    ],
    ['rejects', () => Promise.reject(new Error('no luck')), 'no luck'],
    ['says so', (_req, _res, next) => next(new Error('no luck')), 'no luck'],
    ['says something odd', (_req, _res, next) => next('odd'), 'odd'],
    ['does nothing', () => undefined, 'Neither next() nor an answer came within 30 ms'],
    ['writes and never ends', (_req, res) => res.write('x'), 'Neither'],
    [
      'leaves a body that is no JSON',
      (req, _res, next) => {
        req.body = { big: 1n };
        next();
      },
      'BigInt',
    ],
    [
      'leaves a body that is too large',
      (req, _res, next) => {
        req.body = 'x'.repeat(5 * 1024 * 1024);
        next();
      },
      'has more',
    ],
    ['answers with bytes', (_req, res) => res.send(Buffer.from([0xff, 0xfe, 0x00])), 'not with bytes'],
    ['answers with too much', (_req, res) => res.end(Buffer.alloc(6 * 1024 * 1024)), 'at most'],
    ['answers with broken JSON', (_req, res) => res.type('json').end('{'), 'JSON'],
  ])('that %s is left out with all it did, or closes the way', async (_what, handler, message) => {
    const spoiling: Handler = (req, res, next, ctx) => {
      req.spoilt = true;
      req.headers['x-spoilt'] = 'yes';
      return handler(req, res, next, ctx);
    };
    before(spoiling);
    before((req, _res, next) => {
      req.reached = true;
      next();
    });
    expect(await run({ limitMs: 30 }, { body: { title: 'A' } })).toEqual({
      kind: 'continue',
      request: { headers: {}, body: { title: 'A' } },
      state: { reached: true },
      failures: [expect.objectContaining({ message: expect.stringContaining(message) })],
    });
    middleware.clear();
    before(spoiling, { failClosed: true });
    expect(await run({ limitMs: 30 })).toEqual({
      kind: 'refuse',
      failures: [expect.objectContaining({ message: expect.stringContaining(message) })],
    });
  });

  test('goes on once: what it does afterwards is harmless, and what it throws is in the log', async () => {
    before(async (req, res, next) => {
      next();
      next(new Error('again'));
      req.late = true;
      res.status(500).json({ late: true });
      res.json({ again: true });
      await Promise.resolve();
      throw new Error('afterwards');
    });
    before((_req, res, next) => {
      res.json({ answered: true });
      next();
    });
    expect(await run()).toMatchObject({
      kind: 'respond',
      response: { status: 200, body: { answered: true } },
      state: {},
    });
    expect(log.mock.calls.map(([level, , error]) => [level, (error as Error).message])).toEqual([
      ['error', 'again'],
      ['error', 'afterwards'],
    ]);
  });

  test('keeps only JSON on the request, and never hides what the request has itself', async () => {
    before((req, _res, next) => {
      const circle: Record<string, unknown> = {};
      circle.own = circle;
      Object.assign(req, {
        call: () => 1,
        circle,
        big: 1n,
        large: 'x'.repeat(2 * 1024 * 1024),
        kept: { a: 1 },
        nothing: undefined,
      });
      next();
    });
    const state = { url: '/elsewhere', headers: { forged: '1' }, tenantId: 'other', body: 'x', earlier: 1 };
    const outcome = await run({ state });
    expect(outcome).toMatchObject({
      kind: 'continue',
      request: { headers: {} },
      state: { earlier: 1, kept: { a: 1 } },
    });
    expect(Object.keys((outcome as { state: object }).state)).toEqual(['earlier', 'kept']);
    expect(log.mock.calls.map(([level, message]) => [level, /req\.(\w+)/.exec(message as string)?.[1]])).toEqual([
      ['warn', 'call'],
      ['warn', 'circle'],
      ['warn', 'big'],
      ['warn', 'large'],
    ]);
  });

  test('without a body gets an empty one, as in the validation example of the spec', async () => {
    before((req, res, next) => {
      const { title, severity } = req.body as Record<string, unknown>;
      if (!title || !severity) {
        res.status(400).json({ error: 'Title and severity are required' });
        return;
      }
      next();
    });
    expect(await run({}, { method: 'POST' })).toMatchObject({ kind: 'respond', response: { status: 400 } });
    expect(await run({}, { body: { title: 'A', severity: 1 } })).toMatchObject({ kind: 'continue' });
  });

  test('that has no time left counts as late', async () => {
    before(() => undefined);
    before(() => undefined, { failClosed: true });
    expect(await run({ deadlineMs: 20 })).toMatchObject({ kind: 'refuse', failures: [{}, {}] });
  });

  test('is listed, found and removed by its id', async () => {
    const changed = jest.fn();
    middleware.whenChanged(changed);
    const ids = [before((_req, _res, next) => next()), after((_req, _res, next) => next(), { failClosed: true })];
    expect(middleware.list()).toEqual([
      { id: ids[0], pattern: '/api/*', position: 'before', failClosed: false },
      { id: ids[1], pattern: '/api/*', position: 'after', failClosed: true },
    ]);
    const call = middleware.entries().map(({ id }) => ({ id, params: {} }));
    expect([middleware.has(ids[0] as string), middleware.remove(ids[0] as string), middleware.remove('other')]).toEqual(
      [true, true, false],
    );
    expect(middleware.has(ids[0] as string)).toBe(false);
    expect(await run({ entries: call })).toMatchObject({ kind: 'continue' });
    expect([middleware.clear(), middleware.clear()]).toEqual([1, 0]);
    expect(changed).toHaveBeenCalledTimes(4);
  });

  test.each<[string, unknown[]]>([
    ['a pattern that is no path', ['api', 'before', () => undefined]],
    ['no pattern', [undefined, 'before', () => undefined]],
    ['another position', ['/api', 'around', () => undefined]],
    ['no handler', ['/api', 'before', undefined]],
    ['odd options', ['/api', 'before', () => undefined, { failClosed: 'yes' }]],
  ])('with %s is refused', (_what, args) => {
    const add = middleware.add.bind(middleware) as (...args: unknown[]) => string;
    expect(() => add(...args)).toThrow(expect.objectContaining({ code: 'MIDDLEWARE_INVALID' }));
  });
});
