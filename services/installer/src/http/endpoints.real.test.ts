import { afterAll, beforeAll, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { InstallerRoom, type Answer, type RunningInstaller, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

const OWNED = 'owned';

let room: InstallerRoom;
let installer: RunningInstaller;
let acme: Tenant;
let globex: Tenant;
let operationId: string;
let paths: [path: string, method: string][];

beforeAll(async () => {
  room = await InstallerRoom.open();
  installer = await room.startInstaller();
  [acme, globex] = [await room.tenant(), await room.tenant()];
  const config = { token: { type: 'string', secret: true } };
  for (const version of ['1.0.0', '2.0.0']) room.registry.publish(pluginArchive({ id: OWNED, version, config }));
  await acme.call('POST', '/install', { id: OWNED, version: '1.0.0' });
  await acme.call('PUT', `/${OWNED}/config`, { config: { token: 'a secret of acme' } });
  const enabled = await acme.call('POST', `/${OWNED}/enable`);
  operationId = enabled.headers.get('x-operation-id') ?? '';
  const document = (await (await fetch(`${installer.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  paths = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, string] => [path, method]),
  );
}, 60_000);
afterAll(() => room.close(), 60_000);

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
    hooks: tenant.hooks(),
  };
}
