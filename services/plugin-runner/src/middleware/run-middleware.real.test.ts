import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HostRequest, HostResponse, MiddlewareOutcome } from '@verifywise/contracts';
import { RunMiddleware } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const GRANTED = ['middleware:inject'];

/** A plugin that runs this in `onEnable`. */
const onEnable = (code: string, more = '') => `module.exports = { async onEnable(context) { ${code} }, ${more} };`;
/** Middleware that adds a letter to the trace on the request. */
const traces = (letter: string, position = 'before', pattern = '/api/*') =>
  `context.middleware.add('${pattern}', '${position}', (req, res, next, ctx) => { req.trace = (req.trace ?? '') + '${letter}'; next(); });`;

/** As the spec writes them (S:23.9). */
const AUDIT = (log: string) => `
async function logAuditEntry(entry) { ${log} }
module.exports = {
  async onEnable(context) {
context.middleware.add('/api/*', 'before', async (req, res, next, ctx) => {
  const startTime = Date.now();
  req.auditStartTime = startTime;
  next();
});

context.middleware.add('/api/*', 'after', async (req, res, next, ctx) => {
  const duration = Date.now() - req.auditStartTime;
  await logAuditEntry({
    path: req.path,
    method: req.method,
    duration,
    tenant: ctx.tenant
  });
  next();
});
  },
  routes(router) { router.get('/audit', (req, res) => res.json({ entries: globalThis.entries ?? [] })); },
};`;
const VALIDATION = `
context.middleware.add('/api/risks', 'before', async (req, res, next, ctx) => {
  if (req.method === 'POST') {
    const { title, severity } = req.body;
    if (!title || !severity) {
      res.status(400).json({ error: 'Title and severity are required' });
      return;
    }
  }
  next();
});`;

describe('middleware of all plugins of a tenant', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let other: RunnerProcess;
  let failures: HeardFailure[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ MIDDLEWARE_LIMIT_MS: '300' });
    other = await room.startRunner({ MIDDLEWARE_LIMIT_MS: '300' });
    await room.balanced();
    failures = await heardFailures(room.broker);
  });
  afterAll(() => room.close());

  const tenantOf = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;
  const enabled = (tenant: string, id: string, code: string, more: { granted?: string[]; version?: string } = {}) =>
    room.enabled({ tenant, id, code, granted: GRANTED, ...more });
  const request = (more: Partial<HostRequest> = {}): HostRequest => ({
    method: 'GET',
    url: '/api/risks/7?full=1',
    headers: { host: 'app.example' },
    user: { userId: '42', role: 'Editor' },
    ...more,
  });
  const before = (tenant: string, more: Partial<HostRequest> = {}): Promise<MiddlewareOutcome> =>
    room.broker.ask(RunMiddleware, { tenant, payload: { phase: 'before', request: request(more) } });
  const after = (
    tenant: string,
    response: HostResponse,
    { state }: Pick<MiddlewareOutcome, 'state'> = { state: {} },
    more: Partial<HostRequest> = {},
  ): Promise<MiddlewareOutcome> =>
    room.broker.ask(RunMiddleware, { tenant, payload: { phase: 'after', request: request(more), state, response } });
  const traceOf = async (tenant: string, more: Partial<HostRequest> = {}) => (await before(tenant, more)).state.trace;
  const ok = (body: unknown): HostResponse => ({ status: 200, headers: { 'content-type': 'application/json' }, body });

  test('without any, the request goes on as it was, and no isolate is asked', async () => {
    const tenant = tenantOf('none');
    const headers = { host: 'app.example', authorization: 'Bearer x', cookie: 'a=b' };
    expect(await before(tenant, { headers, body: { a: 1 } })).toEqual({
      kind: 'continue',
      request: { headers, body: { a: 1 } },
      state: {},
      failures: [],
    });
    expect(await after(tenant, ok([1]))).toEqual({
      kind: 'continue',
      request: { headers: { host: 'app.example' } },
      response: ok([1]),
      state: {},
      failures: [],
    });
  });

  test('runs as the plugins were enabled, before and after the route, each tenant with its own version', async () => {
    const [one, two] = [tenantOf('one'), tenantOf('two')];
    const both = (letter: string) =>
      onEnable(traces(letter) + traces(`${letter}'`.replace("'", '2')) + traces(letter, 'after'));
    await enabled(one, 'zebra', both('z'));
    await enabled(one, 'ape', both('a'));
    await enabled(two, 'zebra', both('Z'), { version: '2.0.0' });
    const first = await before(one);
    expect(first).toMatchObject({ kind: 'continue', state: { trace: 'zz2aa2' }, failures: [] });
    expect(await after(one, ok({}), first)).toMatchObject({ state: { trace: 'zz2aa2za' } });
    expect(await traceOf(two)).toBe('ZZ2');
  });

  test('asks only plugins whose patterns fit', async () => {
    const tenant = tenantOf('patterns');
    await enabled(tenant, 'all', onEnable(traces('*')));
    await enabled(
      tenant,
      'risks',
      onEnable(traces('r', 'before', '/api/risks/*') + traces('1', 'before', '/api/risks/:id')),
    );
    await enabled(
      tenant,
      'users',
      onEnable(`context.middleware.add('/api/users/:id', 'before', (req, res) => { throw new Error("asked"); });`),
    );
    expect(await traceOf(tenant)).toBe('*r1');
    expect(await traceOf(tenant, { url: '/api/risks' })).toBe('*r');
    expect(await traceOf(tenant, { url: '/API/Risks/?x=/api/users/1' })).toBe('*r');
    expect(await traceOf(tenant, { url: '/apis' })).toBeUndefined();
  });

  test('the audit example of the spec measures what lies between before and after', async () => {
    const [one, two] = [tenantOf('audit1'), tenantOf('audit2')];
    const code = AUDIT(`(globalThis.entries ??= []).push(entry);`);
    await enabled(one, 'audit', code);
    await enabled(two, 'audit', code);
    const passed = await before(one, { method: 'PUT' });
    expect(passed.state).toEqual({ auditStartTime: expect.any(Number) });
    await after(one, ok({}), passed, { method: 'PUT' });
    const { body } = await runner.get(one, '/api/plugins/audit/audit');
    expect(body.entries).toEqual([{ path: '/api/risks/7', method: 'PUT', duration: expect.any(Number), tenant: one }]);
    expect((await runner.get(two, '/api/plugins/audit/audit')).body.entries).toEqual([]);
  });

  test('the validation example of the spec stops what is incomplete, before any later plugin', async () => {
    const tenant = tenantOf('validation');
    await enabled(tenant, 'validation', onEnable(VALIDATION));
    await enabled(tenant, 'later', onEnable(traces('l')));
    const post = { method: 'POST', url: '/api/risks' };
    for (const body of [undefined, {}, { title: 'A' }])
      expect(await before(tenant, { ...post, ...(body ? { body } : {}) })).toEqual({
        kind: 'respond',
        pluginId: 'validation',
        response: {
          status: 400,
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: { error: 'Title and severity are required' },
        },
        state: {},
        failures: [],
      });
    expect(await before(tenant, { ...post, body: { title: 'A', severity: 3 } })).toMatchObject({
      kind: 'continue',
      state: { trace: 'l' },
    });
    expect(await before(tenant, { url: '/api/risks' })).toMatchObject({ kind: 'continue' });
  });

  test('changes of one plugin reach the next, the route and the client', async () => {
    const tenant = tenantOf('changes');
    await enabled(
      tenant,
      'first',
      onEnable(`
      context.middleware.add('/api/*', 'before', (req, res, next, ctx) => {
        req.headers['x-first'] = 'yes';
        req.body.title += '!';
        res.set('x-set-before', 'yes');
        next();
      });
      context.middleware.add('/api/projects/:id', 'after', (req, res, next, ctx) => {
        if (res.locals.responseBody) res.locals.responseBody.pluginEnhanced = req.params.id;
        next();
      });`),
    );
    await enabled(
      tenant,
      'second',
      onEnable(`
      context.middleware.add('/api/*', 'before', ({ req, res, pluginId, tenant }, next) => {
        req.seen = [pluginId, tenant, req.get('x-first'), req.body.title, req.get('authorization') ?? null, req.userId, req.role];
        next();
      });
      context.middleware.add('/api/*', 'after', ({ req, res }, next) => {
        res.status(202).set('x-after', 'yes').removeHeader('x-set-before');
        res.locals.responseBody = { replaced: res.locals.responseBody };
        next();
      });`),
    );
    const headers = { authorization: 'Bearer secret', Cookie: 'a=b', accept: 'x' };
    const passed = await before(tenant, { method: 'POST', headers, body: { title: 'A' } });
    expect(passed).toEqual({
      kind: 'continue',
      request: { headers: { ...headers, 'x-first': 'yes' }, body: { title: 'A!' } },
      response: { status: 200, headers: { 'x-set-before': 'yes' } },
      state: { seen: ['second', tenant, 'yes', 'A!', null, '42', 'Editor'] },
      failures: [],
    });
    const response = ok({ id: 7 });
    const answered = { ...response, headers: { ...response.headers, 'content-length': '8', 'x-set-before': 'yes' } };
    expect(await after(tenant, answered, passed, { url: '/api/projects/7' })).toMatchObject({
      kind: 'continue',
      response: {
        status: 202,
        headers: { 'content-type': 'application/json', 'x-after': 'yes' },
        body: { replaced: { id: 7, pluginEnhanced: '7' } },
      },
      state: passed.state,
    });
  });

  test('one that fails is left out, or closes the way when it says so', async () => {
    const tenant = tenantOf('failing');
    const add = (pattern: string, handler: string, options = '{}') =>
      `context.middleware.add('${pattern}', 'before', ${handler}, ${options});`;
    const closed = '{ failClosed: true }';
    await enabled(
      tenant,
      'fails',
      onEnable(
        add('/open/throws', `(req, res, next, ctx) => { req.spoilt = 1; throw new Error('no luck'); }`) +
          add('/open/late', `(req, res, next, ctx) => {}`) +
          add('/closed/throws', `(req, res, next, ctx) => next(new Error('no luck'))`, closed) +
          add('/closed/late', `(req, res, next, ctx) => {}`, closed),
      ),
    );
    await enabled(tenant, 'tracer', onEnable(traces('t', 'before', '/*')));
    for (const [url, message] of [
      ['/open/throws', 'no luck'],
      ['/open/late', 'within 300 ms'],
    ])
      expect(await before(tenant, { url: url as string })).toMatchObject({
        kind: 'continue',
        state: { trace: 't' },
        failures: [{ pluginId: 'fails', message: expect.stringContaining(message as string) }],
      });
    for (const url of ['/closed/throws', '/closed/late'])
      expect(await before(tenant, { url })).toMatchObject({
        kind: 'respond',
        pluginId: 'fails',
        response: { status: 503, body: { success: false, error: { code: 'UNAVAILABLE' } } },
        state: {},
      });
    expect(failures.filter((failure) => failure.tenant === tenant)).toEqual([]);
  });

  test.each([
    ['crashes', `setTimeout(() => { throw new Error('crash'); }); return new Promise(() => undefined);`],
    ['loops', 'for (;;);'],
  ])('a plugin that %s in the middle hurts only itself', async (_what, code) => {
    const tenant = tenantOf('crash');
    const add = (options: string, url: string) =>
      `context.middleware.add('${url}', 'before', (req, res, next, ctx) => { ${code} }, ${options});`;
    await enabled(tenant, 'first', onEnable(traces('1', 'before', '/*')));
    await enabled(tenant, 'second', onEnable(add('{}', '/open') + add('{ failClosed: true }', '/closed')));
    await enabled(tenant, 'third', onEnable(traces('3', 'before', '/*')));
    expect(await before(tenant, { url: '/open' })).toMatchObject({
      kind: 'continue',
      state: { trace: '13' },
      failures: [{ pluginId: 'second' }],
    });
    await eventually(() => expect(failures.filter((failure) => failure.tenant === tenant)).toHaveLength(1));
    // Until an admin or the installer says otherwise, what it guards stays closed.
    expect(await before(tenant, { url: '/closed' })).toMatchObject({ kind: 'respond', response: { status: 503 } });
    expect(await traceOf(tenant, { url: '/elsewhere' })).toBe('13');
  });

  test('removing, disabling and revoking take it out', async () => {
    const tenant = tenantOf('leaves');
    const removing = `
      let context;
      module.exports = {
        onEnable(ctx) { context = ctx; ${traces('x')} ${traces('y')} },
        routes(router) {
          router.get('/remove', (req, res) => {
            const [first] = context.middleware.list();
            res.json({ removed: context.middleware.remove(first.id), has: context.middleware.has(first.id), left: context.middleware.list().length });
          });
          router.get('/wrong', (req, res) => {
            try { context.middleware.add('/api/*/x', 'before', () => {}); } catch (error) { res.json({ code: error.code }); }
          });
        },
      };`;
    const gone = await enabled(tenant, 'gone', removing);
    const revoked = await enabled(tenant, 'revoked', onEnable(traces('r')));
    expect(await traceOf(tenant)).toBe('xyr');
    expect((await runner.get(tenant, '/api/plugins/gone/wrong')).body).toEqual({ code: 'MIDDLEWARE_INVALID' });
    expect((await runner.get(tenant, '/api/plugins/gone/remove')).body).toEqual({ removed: true, has: false, left: 1 });
    await eventually(async () => expect(await traceOf(tenant)).toBe('yr'));
    await room.disable(gone);
    expect(await traceOf(tenant)).toBe('r');
    await room.settle({ ...revoked, granted: [], generation: room.nextGeneration() });
    await eventually(async () => expect(await traceOf(tenant)).toBeUndefined());
  });

  test('a body near the limit passes both ways', async () => {
    const tenant = tenantOf('large');
    await enabled(tenant, 'passes', onEnable(traces('p') + traces('p', 'after')));
    const body = { text: 'x'.repeat(5_000_000) };
    const lengthOf = (value: unknown) => (value as typeof body).text.length;
    // Not at the first try where a busy machine takes longer than the handler's limit to copy it.
    await eventually(async () => {
      const passed = await before(tenant, { method: 'POST', body });
      expect(passed).toMatchObject({ kind: 'continue', state: { trace: 'p' }, failures: [] });
      if (passed.kind === 'continue') expect(lengthOf(passed.request.body)).toBe(5_000_000);
    });
    await eventually(async () => {
      const { state, response } = await after(tenant, ok(body));
      expect([state.trace, lengthOf(response?.body)]).toEqual(['p', 5_000_000]);
    });
  });

  test.each([
    ['no request', {}],
    ['no phase', { request: { method: 'GET', url: '/', headers: {} } }],
    ['no answer after the route', { phase: 'after', state: {}, request: { method: 'GET', url: '/', headers: {} } }],
  ])('a question with %s is refused', async (_what, payload) => {
    const asked = room.broker.ask(RunMiddleware, { tenant: tenantOf('wrong'), payload: payload as never });
    await expect(asked).rejects.toMatchObject({ code: 'MIDDLEWARE_INVALID' });
  });

  test('whichever runner holds a tenant is asked, and after its end the next one', async () => {
    const tenants = Array.from({ length: 6 }, (_, n) => tenantOf(`spread${n}`));
    for (const tenant of tenants) await enabled(tenant, 'tracer', onEnable(traces('t')));
    expect(await Promise.all(tenants.map((tenant) => traceOf(tenant)))).toEqual(tenants.map(() => 't'));
    const heldHere = (await runner.isolates()).some(({ tenant }) => tenant === tenants[0]);
    await (heldHere ? runner : other).stop('SIGTERM');
    for (const tenant of tenants) await eventually(async () => expect(await traceOf(tenant)).toBe('t'));
  });
});
