import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { compileSchema, issuesOf, type JsonSchema } from '@verifywise/service-kit';
import { marketplaceDescriptions } from './http/marketplace-descriptions.ts';
import { registryDescriptions } from './http/registry-descriptions.ts';
import { operator, RegistryRoom, viewer, type Answer, type Running, type Who } from './testing/registry-room.ts';

let room: RegistryRoom;
let cache: Running;

// One replica for all of it: what a test changes, the next one puts back.
beforeAll(async () => {
  room = await RegistryRoom.open();
  await room.beforeEach();
  cache = await room.startCache();
  await cache.get('/api/marketplace');
}, 60_000);
beforeEach(async () => {
  room.installed.clear();
  await room.sql.query('DELETE FROM registry_cache.registries');
  await cache.send('POST', '/api/marketplace/registries', room.local('local'), operator);
});
afterAll(async () => {
  await room.afterEach();
  await room.close();
}, 60_000);

const admin = { role: 'Admin' };
const all = [...Object.values(marketplaceDescriptions), ...Object.values(registryDescriptions)];
const endpoints = all.map(({ method, path, role }): [string, string, string] => [method.toUpperCase(), path, role]);

/** What each endpoint is asked with. */
const pathWith = (path: string) => path.replace(':id', 'activity-feed').replace(':name', 'local');
function bodyFor(method: string, path: string): object | undefined {
  const registries = path.startsWith('/api/marketplace/registries');
  if (method === 'POST' && registries) return room.local('added');
  if (method === 'PUT') {
    const { name: _name, ...rest } = room.local('local');
    return rest;
  }
  return method === 'PATCH' ? { verified: true } : undefined;
}
const ask = (method: string, path: string, who: Who, headers?: Record<string, string>) =>
  cache.send(method, pathWith(path), bodyFor(method, path), who, headers);

test.each(endpoints)('%s %s wants a token, and a role: %s', async (method, path, role) => {
  const bare = await fetch(`${cache.url}${pathWith(path)}`, { method });
  expect(bare.status).toBe(401);
  expect(await bare.json()).toMatchObject({ success: false, error: { code: 'UNAUTHENTICATED' } });
  const forged = await fetch(`${cache.url}${pathWith(path)}`, { method, headers: { authorization: 'Bearer a.b.c' } });
  expect(forged.status).toBe(401);

  const refused = role === 'Operator' ? [viewer, admin] : role === 'Admin' ? [viewer] : [];
  for (const who of refused) {
    expect(await ask(method, path, who)).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
  }
  const allowed = { Operator: operator, Admin: admin }[role] ?? viewer;
  expect((await ask(method, path, allowed)).status).toBeLessThan(300);
});

test.each(endpoints)('%s %s answers as /openapi.json says', async (method, path, role) => {
  room.install('acme', 'activity-feed', '1.0.0');
  room.remote.plugins = [...room.remote.plugins.slice(0, 1), { id: 'broken' }];
  const answer = await ask(method, path, role === 'any' ? viewer : operator);
  const document = (await (await fetch(`${cache.url}/openapi.json`)).json()) as OpenApi;
  const described = document.paths[path.replace(/:(\w+)/, '{$1}')]?.[method.toLowerCase()];
  const response = described?.responses[String(answer.status)];
  expect(response).toBeDefined();
  const schema = response?.content?.['application/json']?.schema;
  if (answer.status === 204 || path.endsWith('/icon')) return;
  expect(schema).toBeDefined();
  const fits = compileSchema(schema ?? {});
  expect([fits(answer.body), issuesOf(fits.errors, 'answer')]).toEqual([true, []]);
  // A schema that says nothing fits everything.
  expect(fits({ success: true, data: { nothing: 'of it' } })).toBe(false);
});

interface OpenApi {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }> }>
  >;
}

test.each(endpoints.filter(([method, , role]) => method === 'GET' && role === 'any'))(
  '%s %s tells each tenant of its own',
  async (method, path) => {
    // What the test before said of them is known for less than a second.
    const [own, other, none] = [tenantOfItsOwn(), tenantOfItsOwn(), tenantOfItsOwn()];
    room.install(own, 'activity-feed', '1.0.0');
    room.install(other, 'activity-feed', '1.1.0', false);
    const answers = await Promise.all(
      [own, other, none].map(async (tenant) => shownOf(await ask(method, path, { tenant }))),
    );
    const [acme, globex, initech] = answers;
    if (acme === undefined) {
      // Nothing in it is of a tenant, so it is the same for all.
      expect(answers).toEqual([undefined, undefined, undefined]);
      return;
    }
    expect(acme).toEqual({ installedVersion: '1.0.0', enabled: true, hasUpdate: true });
    if (path.endsWith('/updates')) expect([globex, initech]).toEqual([null, null]);
    else {
      expect(globex).toEqual({ installedVersion: '1.1.0', enabled: false, hasUpdate: false });
      expect(initech).toEqual({ installedVersion: null, enabled: false, hasUpdate: false });
    }
  },
);

let tenants = 0;
function tenantOfItsOwn(): string {
  tenants += 1;
  return `tenant-${tenants}`;
}

/** What an answer says the tenant has; null when it shows no plugin, undefined when it is about none. */
function shownOf({ body }: Answer): object | null | undefined {
  const data = body.data as unknown as ({ plugins?: Shown[] } & Shown) | undefined;
  // An icon is no JSON.
  if (data === undefined) return undefined;
  const isAboutTenants = data.plugins !== undefined || data.installedVersion !== undefined;
  if (!isAboutTenants) return undefined;
  const shown = data.plugins === undefined ? data : data.plugins[0];
  if (shown === undefined) return null;
  const { installedVersion, enabled, hasUpdate } = shown;
  return { installedVersion, enabled, hasUpdate };
}

interface Shown {
  installedVersion?: string | null;
  enabled?: boolean;
  hasUpdate?: boolean;
}

test('a POST with the key of an earlier one gets its answer, and does nothing again', async () => {
  const again = { 'idempotency-key': 'one' };
  await ask('POST', '/api/marketplace/refresh', admin, again);
  const fetched = room.remote.documents().length;
  const second = await ask('POST', '/api/marketplace/refresh', admin, again);
  expect(second).toMatchObject({ status: 200, body: { data: { total: 1 } } });
  expect(second.headers.get('idempotency-replayed')).toBe('true');
  expect(room.remote.documents().length).toBe(fetched);

  const path = '/api/marketplace/registries';
  const made = await ask('POST', path, operator, { 'idempotency-key': 'two' });
  expect(await ask('POST', path, operator, { 'idempotency-key': 'two' })).toMatchObject({
    status: 201,
    body: made.body,
  });
  expect((await ask('POST', path, operator, { 'idempotency-key': 'three' })).status).toBe(409);
  const other = room.local('other');
  expect(await cache.send('POST', path, other, operator, { 'idempotency-key': 'two' })).toMatchObject({
    status: 409,
    body: { error: { code: 'IDEMPOTENCY_KEY_REUSED' } },
  });
});

test.each([
  ['limit=0', 'limit'],
  ['page=0', 'page'],
  ['page=x', 'page'],
  ['limit=501', 'limit'],
  ['type=other', 'type'],
  ['installed=maybe', 'installed'],
  ['sort=price', 'sort'],
  ['refresh=perhaps', 'refresh'],
  ['colour=red', 'colour'],
  ['search=a&search=b', 'search'],
  [`search=${'x'.repeat(201)}`, 'search'],
])('a query with %s is refused, and the answer names what is wrong', async (query, named) => {
  const { status, body } = await cache.get(`/api/marketplace?${query}`);
  expect([status, body.error?.code]).toEqual([400, 'VALIDATION_FAILED']);
  expect(body.error?.message).toContain(`query.${named}`);
});

test.each([
  [{ name: 'Big Name', url: 'https://registry.example/registry.json' }, 'body.name'],
  [{ name: 'no-url' }, 'body.url'],
  [{ name: 'bad-host', url: 'https://registry.example/r.json', allowedHosts: ['a/b'] }, 'body.allowedHosts.0'],
  [{ name: 'bad-token', url: 'https://registry.example/r.json', token: 'two\nlines' }, 'body.token'],
  [{ name: 'unknown', url: 'https://registry.example/r.json', colour: 'red' }, 'body.colour'],
  [{ name: 'user', url: 'https://me:secret@registry.example/r.json' }, 'it has a user name or password in it'],
])('a registry %j is refused, and the answer says why', async (registry, named) => {
  const { status, body } = await cache.send('POST', '/api/marketplace/registries', registry, operator);
  expect([status, body.error?.code]).toEqual([400, 'VALIDATION_FAILED']);
  expect(body.error?.message).toContain(named);
});
