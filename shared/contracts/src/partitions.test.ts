import { describe, expect, test } from '@jest/globals';
import { partitionKey, partitionOf } from './partitions.ts';

describe('partitions', () => {
  // Hosts in other languages compute the same: this table is the promise.
  test.each([
    ['acme', 62],
    ['globex', 58],
    ['initech', 16],
    ['ACME', 10],
    ['a', 3],
    ['tenant_1', 11],
    ['00000000-0000-0000-0000-000000000000', 9],
  ])('the tenant %s belongs to partition %i of 64', (tenant, partition) => {
    expect(partitionOf(tenant)).toBe(partition);
  });

  test('the number of partitions can be another', () => {
    expect(partitionOf('acme', 8)).toBe(96778814 % 8);
    expect(partitionOf('acme', 1)).toBe(0);
  });

  test('tenants spread over all partitions', () => {
    const used = new Set(Array.from({ length: 2_000 }, (_, number) => partitionOf(`tenant-${number}`)));
    expect(used.size).toBe(64);
  });

  test('a partition is written with at least two digits', () => {
    expect(partitionKey(7)).toBe('p07');
    expect(partitionKey(63)).toBe('p63');
    expect(partitionKey(128)).toBe('p128');
  });
});
