import { describe, expect, test } from '@jest/globals';
import { assign } from './rendezvous.ts';

const partitions = Array.from({ length: 64 }, (_, partition) => partition);
const owners = (runners: string[]) => partitions.map((partition) => assign(partition, runners)?.owner);

describe('assigning partitions', () => {
  test('nobody owns a partition when no runner lives', () => {
    expect(assign(0, [])).toBeNull();
  });

  test('a single runner owns everything and has no standby', () => {
    expect(assign(7, ['a'])).toEqual({ owner: 'a', standby: null });
  });

  test('the order in which members are seen does not matter', () => {
    expect(owners(['a', 'b', 'c'])).toEqual(owners(['c', 'a', 'b']));
  });

  test('the standby is who owns the partition once the owner is gone', () => {
    for (const partition of partitions) {
      const { owner, standby } = assign(partition, ['a', 'b', 'c']) ?? { owner: '', standby: '' };
      expect(
        assign(
          partition,
          ['a', 'b', 'c'].filter((id) => id !== owner),
        )?.owner,
      ).toBe(standby);
    }
  });

  test('a runner that joins takes partitions only from others, never moves one between them', () => {
    const before = owners(['a', 'b']);
    const after = owners(['a', 'b', 'c']);
    for (const partition of partitions) {
      if (after[partition] !== 'c') expect(after[partition]).toBe(before[partition]);
    }
    expect(after.filter((owner) => owner === 'c').length).toBeGreaterThan(8);
  });
});
