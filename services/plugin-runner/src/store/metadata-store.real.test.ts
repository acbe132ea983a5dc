import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { StoreDatabase } from '../testing/store-database.ts';
import { MetadataStore } from './metadata-store.ts';
import { RunnerTables1732300000001 } from './migrations/0001-runner-tables.ts';
import { MetadataSizes1732300000007 } from './migrations/0007-metadata-sizes.ts';

const TEXT = JSON.stringify('x'.repeat(250_000));

describe('metadata of plugins in PostgreSQL', () => {
  let database: StoreDatabase;
  let store: MetadataStore;
  beforeAll(async () => {
    database = await StoreDatabase.open([RunnerTables1732300000001, MetadataSizes1732300000007]);
    store = new MetadataStore(database.source);
  });
  afterAll(() => database.close());

  const sizes = (tenant: string): Promise<{ plugin_id: string; counted: string; kept: string }[]> =>
    database.source.query(
      `SELECT plugin_id, bytes AS counted,
              (SELECT sum(bytes) FROM metadata m WHERE m.tenant = s.tenant AND m.plugin_id = s.plugin_id) AS kept
         FROM metadata_sizes s WHERE tenant = $1`,
      [tenant],
    );
  const big = (count: number) => Array.from({ length: count }, (_, key): [string, string] => [`k${key}`, TEXT]);

  test('is counted with every change, also with many at once, and forgotten when nothing is left', async () => {
    const sets = Array.from({ length: 40 }, (_, turn) =>
      store.set('counted', 'notes', 'risk', turn % 5, [
        ['b', `"${'x'.repeat(turn)}"`],
        ['a', String(turn)],
      ]),
    );
    await Promise.all([...sets, store.delete('counted', 'notes', 'risk', 3)]);
    const [size] = await sizes('counted');
    expect(size).toEqual({ plugin_id: 'notes', counted: size?.kept, kept: size?.kept });
    expect(Number(size?.kept)).toBeGreaterThan(500);
    await store.deleteOfPlugin('counted', 'notes');
    expect(await sizes('counted')).toEqual([]);
  });

  test('more than an answer may have is refused, by bytes and by number, and can be had in smaller parts', async () => {
    for (const id of [1, 2]) await store.set('large', 'notes', 'risk', id, big(20));
    expect(await store.ofEntity('large', 'notes', 'risk', 1)).toHaveLength(20);
    expect(await store.byKeyPrefix('large', 'notes', 'risk', 'k7')).toHaveLength(2);
    const tooLarge = { code: 'RESULT_TOO_LARGE' };
    await expect(store.ofPlugin('large', 'notes')).rejects.toMatchObject(tooLarge);
    await expect(store.byKeyPrefix('large', 'notes', 'risk', '')).rejects.toMatchObject(tooLarge);

    const many = Array.from({ length: 10_001 }, (_, key): [string, string] => [`k${key}`, '1']);
    await store.set('many', 'notes', 'risk', 1, many.slice(1));
    expect(await store.ofPlugin('many', 'notes')).toHaveLength(10_000);
    await store.set('many', 'notes', 'risk', 1, many.slice(0, 1));
    await expect(store.ofEntity('many', 'notes', 'risk', 1)).rejects.toMatchObject(tooLarge);
    expect(await store.ofPlugin('nobody', 'notes')).toEqual([]);
  });

  test('a plugin that keeps too much keeps no more until it has deleted some; another tenant has its own limit', async () => {
    // What is counted is what decides; a hundred megabytes would only take longer.
    await store.set('full', 'notes', 'risk', 1, big(4));
    await database.source.query("UPDATE metadata_sizes SET bytes = bytes + $1 WHERE tenant = 'full'", [
      100 * 1024 * 1024 - 1_250_000,
    ]);
    await expect(store.set('full', 'notes', 'risk', 2, big(2))).rejects.toMatchObject({ code: 'METADATA_TOO_LARGE' });
    expect(await store.get('full', 'notes', 'risk', 2, 'k0')).toBeNull();
    await store.set('other', 'notes', 'risk', 2, big(2));
    await store.delete('full', 'notes', 'risk', 1, 'k0');
    await store.delete('full', 'notes', 'risk', 1, 'k1');
    await store.set('full', 'notes', 'risk', 2, big(2));
  });
});
