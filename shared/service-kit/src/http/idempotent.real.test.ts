import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import express from 'express';
import { SignJWT } from 'jose';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { IdempotencyMigration } from '../database/idempotency-migration.ts';
import { idempotencyStore } from '../database/idempotency-store.ts';
import { openDatabase, type Database } from '../database/open-database.ts';
import { identityCheck } from '../identity/identity-check.ts';
import { answerOf, listeningLogger, posting, served } from '../testing/serving.ts';
import { idempotent } from './idempotent.ts';
import { jsonBody } from './json-body.ts';
import type { HttpServer } from './serve-http.ts';
import { success } from './success.ts';

const SECRET = 'a shared secret of more than 32 characters';

describe('idempotent', () => {
  let own: TestDatabase;
  let database: Database;
  let server: HttpServer;
  const world = { done: 0, gate: Promise.resolve() as Promise<unknown>, tokens: {} as Record<string, string> };

  beforeAll(async () => {
    own = await createDatabase();
    database = await openDatabase({
      url: own.url,
      schema: 'sample',
      entities: [],
      migrations: [IdempotencyMigration],
      log: listeningLogger().log,
    });
    for (const [name, claims] of Object.entries({
      ada: { tenant: 'acme', sub: 'ada', role: 'Admin' },
      bob: { tenant: 'acme', sub: 'bob', role: 'Admin' },
      gil: { tenant: 'globex', sub: 'ada', role: 'Admin' },
    }))
      world.tokens[name] = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(SECRET));

    const router = express.Router();
    const store = idempotencyStore(database);
    router.use(identityCheck({ jwtSecret: SECRET }), jsonBody());
    const [patient, impatient] = [idempotent(store), idempotent(store, { waitMs: 0 })];
    router.use((req, res, next) => (req.path === '/impatient' ? impatient : patient)(req, res, next));
    router.all(['/work', '/impatient'], async (_req, res) => {
      world.done += 1;
      const number = world.done;
      await world.gate;
      res
        .status(201)
        .location(`/work/${number}`)
        .json(success({ number, text: 'ü' }));
    });
    router.post('/other', (_req, res) => void res.json(success((world.done += 1))));
    router.post('/streamed', (_req, res) => {
      world.done += 1;
      res.type('text/plain').write('one ');
      res.write(Buffer.from('two '));
      res.end('three');
    });
    router.post('/empty', (_req, res) => void (world.done++, res.status(204).end()));
    router.post('/large', (_req, res) => void (world.done++, res.send('x'.repeat(2 * 1024 * 1024))));
    router.post('/fails/:code', (req) => {
      world.done += 1;
      throw req.params.code === 'broken' ? new Error('broken') : new PlatformError(req.params.code as 'BUSY', 'no');
    });
    server = await served({ routers: [router] });
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    await own.drop();
  });
  beforeEach(() => {
    Object.assign(world, { done: 0, gate: Promise.resolve() });
  });
  afterEach(() => database.source.query('DELETE FROM idempotency_keys'));

  const post = (path: string, body: unknown, key: string | undefined = 'k-1', who = 'ada', method = 'POST') => {
    const headers = {
      authorization: `Bearer ${world.tokens[who] ?? ''}`,
      ...(key === '' ? {} : { 'idempotency-key': key }),
    };
    return answerOf(`${server.url}${path}`, { ...posting(body, headers), method });
  };

  test('the same request again gets the stored answer, byte for byte, and nothing is done twice', async () => {
    const first = await post('/work', { a: 1, b: 2 });
    expect(first).toMatchObject({ status: 201, body: success({ number: 1, text: 'ü' }) });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    // The order of names in JSON means nothing.
    const again = await post('/work', { b: 2, a: 1 });
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe('/work/1');
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(world.done).toBe(1);
  });

  test('without a key, or with another method, everything is done', async () => {
    await post('/work', {}, '');
    await post('/work', {}, '');
    await post('/work', {}, 'k-1', 'ada', 'PUT');
    await post('/work', {}, 'k-1', 'ada', 'PUT');
    expect(world.done).toBe(4);
  });

  test('another body, query or user with the same key is 409', async () => {
    await post('/work', { a: 1 });
    for (const other of [
      post('/work', { a: 2 }),
      post('/work?force=true', { a: 1 }),
      post('/work', { a: 1 }, 'k-1', 'bob'),
    ])
      expect(await other).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_KEY_REUSED' } } });
    expect(world.done).toBe(1);
  });

  test('another tenant, path or key is another request', async () => {
    await post('/work', {});
    await post('/work', {}, 'k-1', 'gil');
    await post('/other', {});
    await post('/work', {}, 'k-2');
    expect(world.done).toBe(4);
  });

  test('one that comes while the first is worked on waits for its answer', async () => {
    const gate = Promise.withResolvers<undefined>();
    world.gate = gate.promise;
    const first = post('/work', {});
    await eventually(() => expect(world.done).toBe(1));
    const second = post('/work', {});
    expect(await post('/work', { other: true })).toMatchObject({ status: 409 });
    gate.resolve(undefined);
    expect(await second).toMatchObject({ status: 201, body: (await first).body });
    expect((await second).headers.get('idempotency-replayed')).toBe('true');
    expect(world.done).toBe(1);
  });

  test('one that has waited too long is 423, and later gets the answer', async () => {
    const gate = Promise.withResolvers<undefined>();
    world.gate = gate.promise;
    const first = post('/impatient', {});
    await eventually(() => expect(world.done).toBe(1));
    const busy = await post('/impatient', {});
    expect(busy).toMatchObject({ status: 423, body: { error: { code: 'BUSY' } } });
    expect(busy.headers.get('retry-after')).toBe('1');
    gate.resolve(undefined);
    expect((await first).status).toBe(201);
    expect((await post('/impatient', {})).body).toEqual((await first).body);
    expect(world.done).toBe(1);
  });

  test('of many at the same moment one is done, and all get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/work', {})));
    expect(world.done).toBe(1);
    for (const answer of answers) expect(answer).toMatchObject({ status: 201, body: answers[0]?.body });
  });

  test('a client that goes away finds the answer when it comes back', async () => {
    const gate = Promise.withResolvers<undefined>();
    world.gate = gate.promise;
    const away = new AbortController();
    const headers = { authorization: `Bearer ${world.tokens.ada ?? ''}`, 'idempotency-key': 'k-1' };
    const gone = fetch(`${server.url}/work`, { ...posting({}, headers), signal: away.signal }).catch(() => 'gone');
    await eventually(() => expect(world.done).toBe(1));
    away.abort();
    expect(await gone).toBe('gone');
    gate.resolve(undefined);
    await eventually(async () => expect((await post('/work', {})).status).toBe(201));
    expect(world.done).toBe(1);
  });

  test.each(['broken', 'HOOK_FAILED', 'NO_RUNNER', 'BUSY', 'RATE_LIMITED'])(
    'an answer of %s is not kept',
    async (code) => {
      const first = await post(`/fails/${code}`, {});
      const again = await post(`/fails/${code}`, {});
      expect(again.status).toBe(first.status);
      expect(again.headers.get('idempotency-replayed')).toBeNull();
      expect(world.done).toBe(2);
    },
  );

  test.each(['DEPENDENTS_EXIST', 'CHECKSUM_MISMATCH'])('an answer of %s is kept', async (code) => {
    const first = await post(`/fails/${code}`, {});
    expect(await post(`/fails/${code}`, {})).toMatchObject({ status: first.status, body: first.body });
    expect(world.done).toBe(1);
  });

  test('an answer written in pieces, and one without a body, are kept whole', async () => {
    const headers = { authorization: `Bearer ${world.tokens.ada ?? ''}`, 'idempotency-key': 'k-1' };
    for (const _time of [1, 2]) {
      const response = await fetch(`${server.url}/streamed`, posting({}, headers));
      expect(await response.text()).toBe('one two three');
      expect((await fetch(`${server.url}/empty`, posting({}, headers))).status).toBe(204);
    }
    expect(world.done).toBe(2);
  });

  test('an answer too large to keep goes out, and its request may be done again', async () => {
    const headers = { authorization: `Bearer ${world.tokens.ada ?? ''}`, 'idempotency-key': 'k-1' };
    for (const _time of [1, 2])
      expect(await (await fetch(`${server.url}/large`, posting({}, headers))).text()).toHaveLength(2 * 1024 * 1024);
    expect(world.done).toBe(2);
  });

  test('what a process left behind that died may be done again, by the same request only', async () => {
    const gate = Promise.withResolvers<undefined>();
    world.gate = gate.promise;
    const left = post('/work', {});
    await eventually(() => expect(world.done).toBe(1));
    await database.source.query("UPDATE idempotency_keys SET held_until = now() - interval '1 second'");
    expect((await post('/work', { other: true })).status).toBe(409);
    world.gate = Promise.resolve();
    expect((await post('/work', {})).body).toEqual(success({ number: 2, text: 'ü' }));
    gate.resolve(undefined);
    await left;
    // The late one does not replace the answer of the one that took over.
    expect((await post('/work', {})).body).toEqual(success({ number: 2, text: 'ü' }));
  });

  test('after a day a key is free for anything', async () => {
    await post('/work', {});
    await database.source.query("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'");
    expect((await post('/work', { other: true })).status).toBe(201);
    expect(world.done).toBe(2);
  });

  test.each(['a b', 'ü', 'x'.repeat(256)])('the key %j is 400', async (key) => {
    expect(await post('/work', {}, encodeURI(key) === key ? key : 'a b')).toMatchObject({ status: 400 });
    expect(world.done).toBe(0);
  });
});
