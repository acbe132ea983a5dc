import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { envelope } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import { createLogger, openDatabase } from '@verifywise/service-kit';
import type { TestDatabase } from '../../../../test/support/database.ts';
import { createDatabase } from '../../../../test/support/database.ts';
import { isNeverStorable } from '../hosting/never-storable.ts';
import { RunnerTables1732300000001 } from './migrations/0001-runner-tables.ts';
import { PluginDataStore } from './plugin-data-store.ts';

const NO_ROLES = { drop: () => Promise.resolve() };

describe('failed deliveries in PostgreSQL', () => {
  let own: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    own = await createDatabase();
    database = await openDatabase({
      url: own.url,
      schema: 'plugin_runner',
      entities: [],
      migrations: [RunnerTables1732300000001],
      log: createLogger('test', 'silent'),
    });
  });
  afterAll(async () => {
    await database.close();
    await own.drop();
  });

  /** Older ones, a second apart, the newest as old as is said. */
  const older = (tenant: string, count: number, age: string) =>
    database.source.query(
      `INSERT INTO failed_deliveries (id, tenant, plugin_id, version, event_id, event, payload, error, failed_at)
       SELECT gen_random_uuid(), $1, 'feed', '1.0.0', nth::text, 'risk:created', '{}', '{}',
              now() - $3::interval - nth * interval '1 second'
         FROM generate_series(1, $2::int) AS nth`,
      [tenant, count, age],
    );
  const add = (store: PluginDataStore, tenant: string, eventId: string) => {
    const message = envelope({ id: eventId, type: 'risk.created', tenant, payload: {}, source: 'test' });
    const about = { tenant, pluginId: 'feed', version: '1.0.0', event: 'risk:created', envelope: message };
    return store.add({ id: randomUUID(), ...about, error: { message: 'no' } });
  };
  const kept = async (tenant: string): Promise<string[]> => {
    const sql = 'SELECT event_id FROM failed_deliveries WHERE tenant = $1 ORDER BY failed_at DESC';
    return (await database.source.query<{ event_id: string }[]>(sql, [tenant])).map(({ event_id }) => event_id);
  };

  test('are kept up to the newest thousand of a plugin; its neighbours keep theirs', async () => {
    const store = new PluginDataStore(database.source, NO_ROLES);
    await older('acme', 1_200, '1 minute');
    await older('globex', 1_200, '1 minute');
    await add(store, 'acme', 'newest');
    const events = await kept('acme');
    expect(events).toHaveLength(1_000);
    expect([events[0], events[1], events.at(-1)]).toEqual(['newest', '1', '999']);
    expect(await kept('globex')).toHaveLength(1_200);
  });

  test('what PostgreSQL will never take is told apart from what it cannot take now', async () => {
    const refusal = (sql: string, values: string[]) =>
      database.source.query(sql, values).then(
        () => 'taken',
        (error: unknown) => isNeverStorable(error),
      );
    expect(await refusal('SELECT $1::jsonb', ['"\\u0000"'])).toBe(true);
    expect(await refusal('SELECT $1::jsonb', ['"\\ud83d"'])).toBe(true);
    expect(await refusal('SELECT $1::text', ['\0'])).toBe(true);
    expect(await refusal('SELECT $1::json', ['"\\u0000\\ud83d"'])).toBe('taken');
    expect(await refusal('SELECT 1 FROM renamed WHERE $1 = 1', ['1'])).toBe(false);
  });

  test('are kept for a month, whoever fails next', async () => {
    await older('quiet', 2, '31 days');
    await older('recent', 2, '29 days');
    await add(new PluginDataStore(database.source, NO_ROLES), 'acme', 'another');
    expect(await kept('quiet')).toEqual([]);
    expect(await kept('recent')).toHaveLength(2);
  });
});
