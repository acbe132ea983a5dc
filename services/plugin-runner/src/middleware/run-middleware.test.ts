import { describe, expect, test } from '@jest/globals';
import { PlatformError, emptySurface } from '@verifywise/contracts';
import type { HostRequest } from '@verifywise/contracts';
import type { MiddlewareAnswer, MiddlewareCall } from '../isolate/protocol.ts';
import type { MiddlewareHosting } from './run-middleware.ts';
import { createRunMiddleware } from './run-middleware.ts';

interface FakePlugin {
  granted?: string[];
  failClosed?: boolean;
  middleware?: (call: MiddlewareCall) => unknown;
  wake?: () => Promise<never>;
}

const passes = ({ request: { headers }, state }: MiddlewareCall): MiddlewareAnswer => {
  return { kind: 'continue', request: { headers }, state, failures: [] };
};

/** A tenant's plugins, each with one middleware before everything. */
function hostingOf(plugins: Record<string, FakePlugin>) {
  const woken: string[] = [];
  const logged: string[] = [];
  const surfaceOf = ({ failClosed = false }: FakePlugin) => ({
    ...emptySurface,
    middleware: [{ id: 'm', pattern: '/*', position: 'before' as const, failClosed }],
  });
  const hosting: MiddlewareHosting = {
    enabledPlugins: () =>
      Object.entries(plugins).map(([pluginId, plugin]) => {
        const granted = (plugin.granted ?? ['middleware:inject']) as never;
        return { pluginId, surface: surfaceOf(plugin), granted };
      }),
    enabledPlugin: (_tenant, pluginId) => {
      woken.push(pluginId);
      const plugin = plugins[pluginId] as FakePlugin;
      if (plugin.wake) return plugin.wake();
      return Promise.resolve({
        ...{ pluginId, surface: surfaceOf(plugin) },
        calls: {
          middleware: (call: MiddlewareCall) =>
            Promise.resolve((plugin.middleware ?? passes)(call) as MiddlewareAnswer),
        },
        log: (_level: string, message: string) => void logged.push(`${pluginId}: ${message}`),
      });
    },
  };
  return { hosting, woken, logged };
}

const run = (hosting: MiddlewareHosting, request: Partial<HostRequest> = {}) =>
  createRunMiddleware(hosting, 1_000)(
    'acme',
    { phase: 'before', request: { method: 'GET', url: '/api/risks?token=secret', headers: {}, ...request } },
    { deadlineMs: 5_000 },
  );

describe('running middleware', () => {
  test('wakes nobody whose permission was taken away, also where it would close the way', async () => {
    const { hosting, woken } = hostingOf({ a: { granted: [], failClosed: true }, b: {} });
    expect(await run(hosting)).toMatchObject({ kind: 'continue', failures: [] });
    expect(woken).toEqual(['b']);
  });

  test('withholds the credentials of the caller, and nobody can change them', async () => {
    const seen: unknown[] = [];
    const forges = (call: MiddlewareCall) => {
      seen.push(call.request.headers);
      const headers = { 'x-kept': 'no', authorization: 'Bearer forged', cookie: 'forged=1' };
      return { ...passes(call), request: { headers } };
    };
    const headers = { Authorization: 'Bearer real', 'x-kept': 'yes' };
    expect(await run(hostingOf({ a: { middleware: forges } }).hosting, { headers })).toMatchObject({
      request: { headers: { Authorization: 'Bearer real', 'x-kept': 'no' } },
    });
    const outcome = await run(hostingOf({ a: { middleware: forges } }).hosting, { headers });
    expect(outcome.kind === 'continue' && Object.keys(outcome.request.headers)).toEqual(['x-kept', 'Authorization']);
    expect(seen[0]).toEqual({ 'x-kept': 'yes' });
  });

  test('nothing but headers and body of a request changes on its way to the next plugin', async () => {
    const seen: unknown[] = [];
    const forges = (call: MiddlewareCall) => {
      const forged = {
        headers: { 'x-mine': '1' },
        body: { mine: 1 },
        url: 5,
        method: 'DELETE',
        user: { role: 'Admin' },
      };
      return { ...passes(call), request: forged };
    };
    const looks = (call: MiddlewareCall) => {
      seen.push(call.request);
      return passes(call);
    };
    const user = { userId: '7', role: 'Editor' };
    await run(hostingOf({ a: { middleware: forges }, b: { middleware: looks } }).hosting, { user });
    expect(seen).toEqual([
      { method: 'GET', url: '/api/risks?token=secret', headers: { 'x-mine': '1' }, body: { mine: 1 }, user },
    ]);
  });

  test('a body that was removed is removed for the route', async () => {
    const { hosting } = hostingOf({ a: {} });
    const outcome = await run(hosting, { body: { a: 1 } });
    expect(outcome).toMatchObject({ kind: 'continue', request: { headers: {} } });
    expect(outcome.kind === 'continue' && 'body' in outcome.request).toBe(false);
  });

  const respond = (response: unknown) => ({ kind: 'respond', response, state: {}, failures: [] });
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['another kind', { kind: 'else', failures: [] }],
    ['no failures', { kind: 'continue', request: { headers: {} }, state: {} }],
    ['no state', { kind: 'continue', request: { headers: {} }, failures: [] }],
    ['odd headers', { kind: 'continue', request: { headers: { a: 1 } }, state: {}, failures: [] }],
    ['no response', respond(undefined)],
    ['a status that is none', respond({ status: 99, headers: {} })],
    ['what JSON cannot say', respond({ status: 200, headers: {}, body: 1n })],
    ['too much', respond({ status: 200, headers: {}, body: 'x'.repeat(13_000_000) })],
  ])('a process that answers %s has failed', async (_what, answer) => {
    const open = hostingOf({ odd: { middleware: () => answer }, sound: {} });
    expect(await run(open.hosting)).toMatchObject({ kind: 'continue', failures: [{ pluginId: 'odd' }] });
    expect(open.logged).toEqual([expect.stringMatching(/^odd: Middleware before GET \/api\/risks failed/)]);
    const closed = hostingOf({ odd: { middleware: () => answer, failClosed: true } });
    expect(await run(closed.hosting)).toMatchObject({
      kind: 'respond',
      pluginId: 'odd',
      response: { status: 503, body: { success: false, error: { code: 'UNAVAILABLE' } } },
    });
  });

  test('headers that say how an answer travels are not the plugins to say', async () => {
    const headers = { 'Content-Length': '3', 'transfer-encoding': 'chunked', connection: 'close', 'x-kept': 'yes' };
    const { hosting } = hostingOf({ a: { middleware: () => respond({ status: 200, headers, body: 1 }) } });
    expect(await run(hosting)).toMatchObject({ response: { headers: { 'x-kept': 'yes' } } });
    const outcome = await run(hosting);
    expect(Object.keys(outcome.response?.headers ?? {})).toEqual(['x-kept']);
  });

  test('a plugin that cannot be woken is left out, or closes the way', async () => {
    const wake = () => Promise.reject(new Error('broken'));
    expect(await run(hostingOf({ a: { wake }, b: {} }).hosting)).toMatchObject({
      kind: 'continue',
      failures: [{ pluginId: 'a', message: 'broken' }],
    });
    expect(await run(hostingOf({ a: { wake, failClosed: true } }).hosting)).toMatchObject({
      kind: 'respond',
      response: { status: 503 },
    });
  });

  test('a tenant that has moved is for the asker to ask again', async () => {
    const moved = new PlatformError('NOT_THE_OWNER', 'moved');
    const wake = () => Promise.reject(moved);
    await expect(run(hostingOf({ a: { wake, failClosed: true } }).hosting)).rejects.toBe(moved);
  });
});
