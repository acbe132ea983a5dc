import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from '@verifywise/contracts';
import type { RegistryAuditLine } from './registries/registry-audit.ts';
import { operator, RegistryRoom, type Running } from './testing/registry-room.ts';

const REGISTRIES = '/api/marketplace/registries';
const SEALING = { PLUGIN_SECRETS_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`, REGISTRIES: '[]' };

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

const elsewhere = { ...operator, tenant: 'globex' };
const audit = async (cache: Running, query = '') =>
  (await cache.get(`${REGISTRIES}/audit${query}`, operator)).body.data as unknown as Page<RegistryAuditLine>;
/** In the order in which it happened. */
const told = async (cache: Running) =>
  (await audit(cache)).entries.map(({ registry, action }) => `${action} ${registry}`).reverse();

test('every change of a registry is told: who, when, before and after, and never a token', async () => {
  const cache = await room.startCache(SEALING);
  const { url } = room.local('second');
  await cache.send('POST', REGISTRIES, { ...room.local('second'), token: 'first-secret' }, operator);
  await cache.send('PATCH', `${REGISTRIES}/second`, { verified: false }, elsewhere);
  await cache.send('PATCH', `${REGISTRIES}/second`, { token: 'second-secret' }, operator);
  await cache.send('PATCH', `${REGISTRIES}/second`, { verified: false }, operator);
  await cache.send('PUT', `${REGISTRIES}/second`, { url, local: true, token: null }, operator);
  await cache.send('DELETE', `${REGISTRIES}/second`, undefined, operator);

  const page = await audit(cache);
  const github = ['github.com', '*.githubusercontent.com'];
  const made = { url, verified: true, local: true, allowedHosts: ['127.0.0.1'], tokenSet: true };
  expect(page.entries.toReversed()).toMatchObject([
    { action: 'add', actor: { tenant: 'acme', userId: '1', role: 'Operator' }, before: null, after: made },
    { action: 'change', actor: { tenant: 'globex' }, before: { verified: true }, after: { verified: false } },
    { action: 'change', before: { tokenSet: true }, after: { tokenSet: true } },
    { action: 'change', before: {}, after: {} },
    {
      action: 'replace',
      before: { allowedHosts: ['127.0.0.1'], tokenSet: true },
      after: { allowedHosts: github, tokenSet: false },
    },
    { action: 'remove', before: { ...made, verified: false, allowedHosts: github, tokenSet: false }, after: null },
  ]);
  for (const { registry, at } of page.entries)
    expect([registry, Date.parse(at)]).toEqual(['second', expect.any(Number)]);
  const { rows } = await room.sql.query('SELECT * FROM registry_cache.audit');
  for (const text of [JSON.stringify(page), JSON.stringify(rows)]) expect(text).not.toMatch(/-secret|"v1:|sealed/);
});

test('what was refused, or was only asked for again, is not in it', async () => {
  const cache = await room.startCache(SEALING);
  const again = { 'idempotency-key': 'again' };
  for (let times = 0; times < 2; times += 1)
    await cache.send('POST', REGISTRIES, room.local('second'), operator, again);
  expect(await cache.send('POST', REGISTRIES, room.local('second'), operator)).toMatchObject({ status: 409 });
  expect(await cache.send('PATCH', `${REGISTRIES}/second`, { url: 'ftp://x' }, operator)).toMatchObject({
    status: 400,
  });
  expect(await cache.send('PATCH', `${REGISTRIES}/second`, { verified: true })).toMatchObject({ status: 403 });
  expect(await cache.send('DELETE', `${REGISTRIES}/other`, undefined, operator)).toMatchObject({ status: 404 });
  expect(await cache.send('POST', REGISTRIES, room.local('audit'), operator)).toMatchObject({ status: 400 });
  await cache.send('POST', '/api/marketplace/refresh');
  expect(await told(cache)).toEqual(['add second']);
});

test('what the settings change at a start is told as well, once for all replicas', async () => {
  const settings = (...registries: object[]) => ({ ...SEALING, REGISTRIES: JSON.stringify(registries) });
  const both = settings(room.local('one'), { ...room.local('two'), token: 'of-the-settings' });
  const replicas = await Promise.all([room.startCache(both), room.startCache(both)]);
  for (const replica of replicas) await replica.stop();
  await (await room.startCache(both)).stop();
  const cache = await room.startCache(settings({ ...room.local('two'), verified: false, token: 'of-the-settings' }));
  expect(await told(cache)).toEqual(['add one', 'add two', 'remove one', 'change two']);
  const [change, removal] = (await audit(cache)).entries;
  expect(removal).toMatchObject({ actor: { service: 'registry-cache' }, before: { local: true }, after: null });
  expect(change).toMatchObject({ before: { verified: true }, after: { verified: false } });
  expect(change?.after).not.toHaveProperty('tokenSet');
});

test('the entry and the change happen together or not at all, and no entry is ever changed', async () => {
  const cache = await room.startCache(SEALING);
  await cache.send('POST', REGISTRIES, room.local('second'), operator);
  await room.sql.query(`CREATE FUNCTION registry_cache.no_audit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the log is full'; END $$`);
  await room.sql.query(`CREATE TRIGGER no_audit BEFORE INSERT ON registry_cache.audit
    FOR EACH ROW EXECUTE FUNCTION registry_cache.no_audit()`);
  const send = (method: string, path: string, body?: object) => cache.send(method, path, body, operator);
  const { name: _name, ...whole } = room.local('second');
  for (const answer of [
    await send('POST', REGISTRIES, room.local('third')),
    await send('PATCH', `${REGISTRIES}/second`, { verified: false }),
    await send('PUT', `${REGISTRIES}/second`, { ...whole, verified: false }),
    await send('DELETE', `${REGISTRIES}/second`),
  ])
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } });
  expect((await cache.get(REGISTRIES, operator)).body.data).toMatchObject([{ name: 'second', verified: true }]);
  expect(await told(cache)).toEqual(['add second']);

  for (const statement of [`UPDATE registry_cache.audit SET actor = '{}'`, 'DELETE FROM registry_cache.audit'])
    await expect(room.sql.query(statement)).rejects.toThrow('rows of audit are never changed');
  await expect(room.sql.query('TRUNCATE registry_cache.audit')).rejects.toThrow('rows of audit are never changed');
});

test('it is read page by page, and of one registry, action or user alone', async () => {
  const cache = await room.startCache(SEALING);
  for (const name of ['first', 'second', 'third']) await cache.send('POST', REGISTRIES, room.local(name), operator);
  await cache.send('DELETE', `${REGISTRIES}/second`, undefined, operator);
  const whole = await audit(cache);
  const page = await audit(cache, '?limit=3');
  const next = await audit(cache, `?limit=3&before=${page.next ?? ''}`);
  expect([...page.entries, ...next.entries]).toEqual(whole.entries);
  expect([page.entries.length, next.entries.length, next.next]).toEqual([3, 1, null]);
  const actions = async (query: string) => (await audit(cache, query)).entries.map(({ action }) => action);
  expect(await actions('?registry=second')).toEqual(['remove', 'add']);
  expect(await actions('?action=remove')).toEqual(['remove']);
  expect(await actions('?userId=1&registry=first')).toEqual(['add']);
  expect(await actions('?userId=2')).toEqual([]);
  expect(await cache.get(`${REGISTRIES}/audit?before=banana`, operator)).toMatchObject({ status: 400 });
});
