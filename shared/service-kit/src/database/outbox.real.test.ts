import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PlatformError, fact } from '@verifywise/contracts';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { listeningLogger } from '../testing/serving.ts';
import { IdempotencyMigration } from './idempotency-migration.ts';
import { openDatabase, type Database } from './open-database.ts';
import { OutboxMigration, outboxMigrations } from './outbox-migration.ts';
import { createOutbox, type Outbox, type StoredMessage } from './outbox.ts';
import { startRelay, type Relay, type RelayOptions } from './relay.ts';

const Counted = fact<{ number: number }>('sample.counted');
/** Nothing in these tests waits for a poll unless it says so. */
const NEVER_MS = 60_000;

describe('outbox', () => {
  let own: TestDatabase;
  let database: Database;
  let outbox: Outbox;
  const relays: Relay[] = [];

  beforeEach(async () => {
    own = await createDatabase();
    database = await open();
    outbox = createOutbox(database);
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.close()));
    await database.close();
    await own.drop();
  });

  function open(): Promise<Database> {
    const { log } = listeningLogger();
    return openDatabase({ url: own.url, schema: 'sample', entities: [], migrations: outboxMigrations, log });
  }

  function relay(publish: RelayOptions['publish'], options: Partial<RelayOptions> = {}): Relay {
    const started = startRelay({ outbox, publish, log: listeningLogger().log, pollMs: NEVER_MS, ...options });
    relays.push(started);
    return started;
  }

  /** A broker that confirms everything at once and remembers it. */
  function broker() {
    const published: StoredMessage[] = [];
    return {
      published,
      numbers: () => published.map(({ payload }) => (payload as { number: number }).number),
      publish: (_name: string, message: StoredMessage) => {
        published.push(message);
        return Promise.resolve();
      },
    };
  }

  const add = (number: number, tenant: string | null = 'acme') =>
    database.source.transaction((manager) => outbox.add(manager, Counted, { tenant, payload: { number } }));
  const waiting = async () => {
    const [row] = await database.source.query<{ count: number }[]>('SELECT count(*)::int AS count FROM outbox');
    return row?.count;
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  test('a fact is published as it was given, and then gone', async () => {
    const { publish, published } = broker();
    const names: string[] = [];
    const time = new Date('2025-01-02T03:04:05.678Z');
    const message = {
      id: 'm-1',
      tenant: 'acme',
      payload: { b: 1, a: ['\u0000ü'] },
      time,
      correlationId: 'c-1',
      traceparent: 't-1',
    };
    await database.source.transaction((manager) => outbox.add(manager, fact('plugin.installed'), message));
    relay((name, stored) => {
      names.push(name);
      return publish(name, stored);
    });
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(names).toEqual(['plugin.installed']);
    expect(published).toEqual([message]);
    expect(Object.keys(published[0]?.payload as object)).toEqual(['b', 'a']);
  });

  test('what is left open is settled when it is added', async () => {
    const { publish, published } = broker();
    const id = await add(1, null);
    relay(publish);
    await eventually(() =>
      expect(published).toEqual([{ id, tenant: null, payload: { number: 1 }, time: expect.any(Date) }]),
    );
  });

  test('a transaction that is rolled back says nothing', async () => {
    const { publish, numbers } = broker();
    const undone = database.source.transaction(async (manager) => {
      await outbox.add(manager, Counted, { tenant: 'acme', payload: { number: 1 } });
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    await add(2);
    relay(publish);
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(numbers()).toEqual([2]);
  });

  test('outside a transaction nothing can be added', async () => {
    await expect(
      outbox.add(database.source.manager, Counted, { tenant: 'acme', payload: { number: 1 } }),
    ).rejects.toThrow('inside the transaction');
  });

  test('a nudge publishes at once, and a poll finds what nobody nudged for', async () => {
    const { publish, numbers } = broker();
    const nudged = relay(publish);
    await add(1);
    nudged.nudge();
    await eventually(() => expect(numbers()).toEqual([1]));
    await eventually(async () => expect(await waiting()).toBe(0));
    await nudged.close();
    relay(publish, { pollMs: 10 });
    await add(2);
    await eventually(() => expect(numbers()).toEqual([1, 2]));
  });

  test('many facts of one tenant are published exactly in order, over batches', async () => {
    const { publish, numbers } = broker();
    for (const number of upTo(175)) await add(number);
    relay(publish);
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(numbers()).toEqual(upTo(175));
  });

  test('the order is that of the commits, also when transactions overlap', async () => {
    const { publish, numbers } = broker();
    relay(publish, { pollMs: 5 });
    // Each adds, then takes its time to commit: whoever adds later commits later.
    const slowly = async (number: number) => {
      await database.source.transaction(async (manager) => {
        await outbox.add(manager, Counted, { tenant: 'acme', payload: { number } });
        await manager.query('SELECT pg_sleep(0.02)');
        await manager.query('INSERT INTO committed DEFAULT VALUES');
        order.push(number);
      });
    };
    const order: number[] = [];
    await database.source.query('CREATE TABLE committed (id bigint GENERATED ALWAYS AS IDENTITY)');
    await Promise.all(upTo(8).map(slowly));
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(numbers()).toEqual(order);
  });

  test('a fact that cannot be published yet holds back its tenant, in order, and nobody else', async () => {
    const { publish, published } = broker();
    let fails = 2;
    for (const number of [1, 2]) await add(number, 'acme');
    await add(3, 'globex');
    relay(async (name, message) => {
      if (message.tenant === 'acme' && fails-- > 0) throw new Error('not confirmed');
      await publish(name, message);
    });
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(published.map(({ tenant, payload }) => [tenant, payload])).toEqual([
      ['globex', { number: 3 }],
      ['acme', { number: 1 }],
      ['acme', { number: 2 }],
    ]);
  });

  test('a fact that can never be published is given up, said in the log, and holds back nobody', async () => {
    const { publish, numbers } = broker();
    const { log, lines } = listeningLogger();
    for (const number of upTo(3)) await add(number);
    relay(
      (name, message) => {
        if ((message.payload as { number: number }).number !== 2) return publish(name, message);
        return Promise.reject(new PlatformError('TOO_LARGE', 'sample.counted has 20 MB'));
      },
      { log },
    );
    await eventually(() => expect(numbers()).toEqual([1, 3]));
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(lines().filter(({ msg }) => String(msg).includes('can never be published'))).toMatchObject([
      { fact: 'sample.counted', tenant: 'acme' },
    ]);
  });

  test('several relays publish each fact once, and in order', async () => {
    const { publish, numbers } = broker();
    const others = await Promise.all([open(), open()]);
    try {
      for (const number of upTo(60)) await add(number);
      for (const each of [database, ...others]) relay(publish, { outbox: createOutbox(each), pollMs: 5 });
      await eventually(async () => expect(await waiting()).toBe(0));
      for (const number of upTo(60)) await add(number + 60);
      await eventually(async () => expect(await waiting()).toBe(0));
      expect(numbers()).toEqual(upTo(120));
    } finally {
      await Promise.all(relays.splice(0).map((one) => one.close()));
      await Promise.all(others.map((each) => each.close()));
    }
  });

  test('neither adding nor publishing takes an advisory lock, which any login of the database could hold against it', async () => {
    const advisory = () => database.source.query<unknown[]>(`SELECT * FROM pg_locks WHERE locktype = 'advisory'`);
    const seen: unknown[][] = [];
    await database.source.transaction(async (manager) => {
      await outbox.add(manager, Counted, { tenant: 'acme', payload: { number: 1 } });
      seen.push(await advisory());
    });
    relay(async () => void seen.push(await advisory()));
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(seen).toEqual([[], []]);
  });

  test('a database from before there were turns gets them', async () => {
    const { publish, numbers } = broker();
    const older = { url: own.url, schema: 'older', entities: [], log: listeningLogger().log };
    await (await openDatabase({ ...older, migrations: [OutboxMigration, IdempotencyMigration] })).close();
    const now = await openDatabase({ ...older, migrations: [...outboxMigrations, IdempotencyMigration] });
    try {
      const upgraded = createOutbox(now);
      await now.source.transaction((manager) =>
        upgraded.add(manager, Counted, { tenant: 'acme', payload: { number: 1 } }),
      );
      const one = relay(publish, { outbox: upgraded });
      await eventually(() => expect(numbers()).toEqual([1]));
      await one.close();
    } finally {
      await now.close();
    }
  });

  test('a relay killed between the confirm and the delete publishes again with the same id, and loses nothing', async () => {
    const ids: string[] = [];
    for (const number of upTo(5)) ids.push(await add(number));
    const program = fileURLToPath(new URL('fixtures/relay.ts', import.meta.url));
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: own.url },
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    const before = out.split('\n').filter((line) => line !== '');
    expect(before).toEqual(ids.slice(0, 3));

    const { publish, published } = broker();
    // PostgreSQL may hold the dead relay's lock until it has noticed, so this one must look more than once.
    relay(publish, { pollMs: 20 });
    await eventually(async () => expect(await waiting()).toBe(0));
    const after = published.map(({ id }) => id);
    expect(after).toEqual(ids);
  });

  test('closing finishes the fact in hand and begins no other', async () => {
    const [arrived, confirm] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    for (const number of upTo(3)) await add(number);
    const published: string[] = [];
    const one = relay(async (_name, { id }) => {
      published.push(id);
      arrived.resolve(undefined);
      await confirm.promise;
    });
    await arrived.promise;
    const closing = one.close();
    confirm.resolve(undefined);
    await closing;
    expect(published).toHaveLength(1);
    expect(await waiting()).toBe(2);
  });

  test('the relay goes on after its connection was cut', async () => {
    const { publish, numbers } = broker();
    const { log, lines } = listeningLogger();
    let cut = false;
    await add(1);
    relay(
      async (name, message) => {
        if (!cut) {
          cut = true;
          await database.source.query(
            'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
          );
        }
        await publish(name, message);
      },
      { log },
    );
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(new Set(numbers())).toEqual(new Set([1]));
    expect(lines().map(({ msg }) => msg)).toContain('the outbox could not be worked on');
  });
});
