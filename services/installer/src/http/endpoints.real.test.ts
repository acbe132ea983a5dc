import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileSchema, issuesOf, type JsonSchema } from '@verifywise/service-kit';
import { eventually } from '../../../../test/support/eventually.ts';
import '../../../../test/support/patience.ts';
import {
  InstallerRoom,
  type Answer,
  type OnHook,
  type RunningInstaller,
  type Tenant,
} from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

const OWNED = 'owned';

let room: InstallerRoom;
let installer: RunningInstaller;
let acme: Tenant;
let globex: Tenant;
let operationId: string;
let alertId: string;
let paths: [path: string, method: string][];
let described: OpenApi;

type OpenApi = Record<string, Record<string, { responses: Record<string, Response> }>>;
interface Response {
  content?: Record<string, { schema: JsonSchema }>;
}

beforeAll(async () => {
  room = await InstallerRoom.open();
  installer = await room.startInstaller();
  [acme, globex] = [await room.tenant(onHook), await room.tenant(onHook)];
  const config = { token: { type: 'string', secret: true } };
  for (const version of ['1.0.0', '2.0.0']) room.registry.publish(pluginArchive({ id: OWNED, version, config }));
  await acme.call('POST', '/install', { id: OWNED, version: '1.0.0' });
  await acme.call('PUT', `/${OWNED}/config`, { config: { token: 'a secret of acme' } });
  const enabled = await acme.call('POST', `/${OWNED}/enable`);
  operationId = enabled.headers.get('x-operation-id') ?? '';
  room.registry.publish(pluginArchive({ id: 'failing', version: '1.0.0' }));
  await acme.call('POST', '/install', { id: 'failing' });
  await acme.call('POST', '/failing/enable');
  const alerts = (await acme.call('GET', '/alerts')).body.data as unknown as { id: string }[];
  alertId = alerts[0]?.id ?? '';
  described = ((await (await fetch(`${installer.url}/openapi.json`)).json()) as { paths: OpenApi }).paths;
  paths = Object.entries(described).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, string] => [path, method]),
  );
}, 60_000);
afterAll(() => room.close(), 60_000);

const onHook: OnHook = ({ stepId, hook, installation: { pluginId } }) =>
  hook === 'onEnable' && pluginId === 'failing'
    ? { kind: 'failed', stepId, error: { code: 'HOOK_FAILED', message: 'it does not work' } }
    : undefined;

/** What a path needs to be understood; every other one is sent an empty object, or nothing. */
const bodies: Record<string, object> = {
  'put /api/plugins/{id}/config': { config: { token: 'taken over' } },
  'put /api/plugins/{id}/permissions': { granted: [] },
  'post /api/plugins/{id}/uninstall': { deleteData: true, cascade: true, force: true },
};

/** Paths that name nothing of anybody: what they answer a tenant that has nothing. */
const ofNobody: Record<string, (answer: Answer) => void> = {
  'get /api/plugins': ({ body }) => expect(body.data).toEqual({ plugins: [], total: 0 }),
  'get /api/plugins/stats': ({ body }) => expect(body.data).toMatchObject({ total: 0, installed: 0, enabled: 0 }),
  'get /api/plugins/alerts': ({ body }) => expect(body.data).toEqual([]),
  'get /api/plugins/audit': ({ body }) => expect(isOnlyTries(body.data)).toBe(true),
  // These act on the caller's own tenant, and refuse what names no plugin.
  'post /api/plugins/install': ({ status }) => expect(status).toBe(400),
  'post /api/plugins/install-from-url': ({ status }) => expect(status).toBe(400),
  'post /api/plugins/upload': ({ status }) => expect(status).toBe(415),
};

test('every path of the API is closed to another tenant: it answers 404 or an empty list, and changes nothing', async () => {
  const before = await everythingOf(acme);
  const seen: string[] = [];
  for (const [path, method] of paths) {
    const about = `${method} ${path}`;
    seen.push(about);
    if (path.startsWith('/internal/')) {
      expect([about, (await fetch(`${installer.url}${filled(path)}`)).status]).toEqual([about, 401]);
      continue;
    }
    const body = method === 'get' ? undefined : (bodies[about] ?? {});
    const answer = await globex.call(method.toUpperCase(), filled(path).slice('/api/plugins'.length), body);
    expect(JSON.stringify(answer.body)).not.toContain('acme');
    if (path.includes('{')) expect([about, isNothing(answer)]).toEqual([about, true]);
    else {
      const expected = ofNobody[about];
      if (expected === undefined) throw new Error(`Say what ${about} answers a tenant that has nothing`);
      expected(answer);
    }
  }
  expect(seen.length).toBeGreaterThan(20);
  expect(await everythingOf(acme)).toEqual(before);
  expect(await everythingOf(globex)).toMatchObject({ plugin: { status: 404 }, list: { data: { total: 0 } } });
});

test('every path that changes something is closed to other roles, and every one to nobody', async () => {
  for (const [path, method] of paths.filter(([path]) => path.startsWith('/api/'))) {
    const about = `${method} ${path}`;
    const call = (role: string | null) => {
      const body = method === 'get' ? undefined : (bodies[about] ?? {});
      return acme.call(method.toUpperCase(), filled(path).slice('/api/plugins'.length), body, { role });
    };
    expect([about, (await call(null)).status]).toEqual([about, 401]);
    if (method !== 'get') expect([about, (await call('Viewer')).status]).toEqual([about, 403]);
  }
});

test('every answer has the shape that openapi.json tells', async () => {
  const seen = new Set<string>();
  const fits = (method: string, path: string, { status, body }: Answer) => {
    const about = `${method} ${path} ${status}`;
    const schema = described[path]?.[method]?.responses[String(status)]?.content?.['application/json']?.schema;
    expect([about, schema === undefined]).toEqual([about, false]);
    const check = compileSchema(schema ?? {});
    expect([about, check(body), issuesOf(check.errors, 'answer')]).toEqual([about, true, []]);
    // A schema that says nothing fits everything.
    expect([about, check({ success: true, data: { nothing: 'of it' } })]).toEqual([about, false]);
    seen.add(`${method} ${path}`);
  };
  const places: Record<string, object> = {
    ...bodies,
    'put /api/plugins/{id}/config': { config: { token: 'another' } },
  };
  const ask = async (method: string, path: string, body?: object, headers = {}) => {
    const sent = method === 'get' ? undefined : (body ?? places[`${method} ${path}`] ?? {});
    const answer = await acme.call(method.toUpperCase(), filled(path).slice('/api/plugins'.length), sent, { headers });
    fits(method, path, answer);
  };
  const to = (name: string) => `/api/plugins/{id}/${name}`;
  await ask('post', to('update'));
  await ask('post', to('rollback'));
  await ask('post', to('disable'), {}, { prefer: 'respond-async' });
  await eventually(async () => expect((await acme.call('POST', `/${OWNED}/enable`)).status).toBe(200));
  await ask('post', '/api/plugins/alerts/{alertId}/acknowledge');
  await ask('put', to('config'));
  await ask('put', to('permissions'));
  room.registry.publish(pluginArchive({ id: 'by-url', version: '1.0.0' }));
  const entry = room.registry.publish(pluginArchive({ id: 'by-url', version: '1.1.0' }));
  const { id, version, downloadUrl, checksum } = entry;
  await ask('post', '/api/plugins/install-from-url', { id, version, downloadUrl, checksum });
  room.registry.publish(pluginArchive({ id: 'by-id', version: '1.0.0', dependencies: { 'by-url': '^1.0.0' } }));
  await ask('post', '/api/plugins/install', { id: 'by-id' });
  fits('post', '/api/plugins/upload', await acme.upload(pluginArchive({ id: 'by-hand', version: '1.0.0' }).bytes));
  for (const [path, method] of paths) {
    const isJson = !path.startsWith('/internal/') && !path.endsWith('/events');
    if (method === 'get' && isJson) await ask(method, path);
  }
  fits('get', to('dependencies'), await acme.call('GET', '/by-id/dependencies'));
  fits('get', to('errors'), await acme.call('GET', '/failing/errors'));
  await ask('post', to('enable'));
  await ask('post', to('uninstall'));
  const untold = paths.map(([path, method]) => `${method} ${path}`).filter((about) => !seen.has(about));
  expect(untold).toEqual(['get /api/plugins/operations/{operationId}/events', 'get /internal/packages/{digest}']);
});

/** Not there, or a list with nothing in it. */
function isNothing({ status, body }: Answer): boolean {
  if (status === 404) return true;
  const isEmpty = Array.isArray(body.data) && body.data.length === 0;
  return status === 200 && (isEmpty || isOnlyTries(body.data));
}

/** An audit log in which there is nothing but what the tenant itself has tried in vain. */
function isOnlyTries(data: unknown): boolean {
  const { entries } = data as { entries?: { outcome: string }[] };
  return entries?.every(({ outcome }) => outcome === 'failed') ?? false;
}

function filled(path: string): string {
  return path
    .replace('{id}', OWNED)
    .replace('{operationId}', operationId)
    .replace('{alertId}', alertId)
    .replace('{digest}', `sha256:${'0'.repeat(64)}`);
}

async function everythingOf(tenant: Tenant) {
  const read = async (path: string) => {
    const { status, body } = await tenant.call('GET', path);
    return { status, data: body.data };
  };
  return {
    list: await read(''),
    plugin: await read(`/${OWNED}`),
    config: await read(`/${OWNED}/config`),
    permissions: await read(`/${OWNED}/permissions`),
    audit: await read(`/${OWNED}/audit`),
    history: await read(`/${OWNED}/config/history`),
    alerts: await read('/alerts'),
    hooks: tenant.hooks(),
  };
}
