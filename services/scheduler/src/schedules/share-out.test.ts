import { describe, expect, test } from '@jest/globals';
import { shareOut, type Lane, type LaneLimits } from './share-out.ts';

const WIDE: LaneLimits = { perPlugin: 100, perTenant: 100, perPartition: 100, partitionOf: () => 0 };

function lane(name: string, waiting: number, parts: Partial<Lane> = {}): Lane {
  const [tenant = '', pluginId = ''] = name.split('/');
  return { tenant, pluginId, waiting, underWay: 0, servedAt: 0, ...parts };
}

const sharesOf = (lanes: Lane[], limits: Partial<LaneLimits> = {}, most = 100) =>
  Object.fromEntries(
    shareOut(lanes, { ...WIDE, ...limits }, most).map(({ lane: { tenant, pluginId }, fires }) => [
      `${tenant}/${pluginId}`,
      fires,
    ]),
  );

describe('fires that wait are shared out', () => {
  test('one of each tenant in turn, however many one of them has', () => {
    expect(sharesOf([lane('acme/a', 50), lane('acme/b', 50), lane('globex/a', 2)], {}, 6)).toEqual({
      'acme/a': 2,
      'acme/b': 2,
      'globex/a': 2,
    });
  });

  test('those first that were served longest ago', () => {
    const lanes = ['a', 'b', 'c'].map((tenant, index) => lane(`${tenant}/x`, 1, { servedAt: 10 - index }));
    lanes.push(lane('d/x', 1, { servedAt: Number.NEGATIVE_INFINITY }));
    expect(Object.keys(sharesOf(lanes, {}, 2))).toEqual(['d/x', 'c/x']);
  });

  test('within what a plugin, a tenant and a partition may have under way', () => {
    expect(sharesOf([lane('acme/a', 9, { underWay: 3 })], { perPlugin: 5 })).toEqual({ 'acme/a': 2 });
    expect(sharesOf([lane('acme/a', 9, { underWay: 5 })], { perPlugin: 5 })).toEqual({});
    const busy = [lane('acme/a', 9), lane('acme/b', 0, { underWay: 6 })];
    expect(sharesOf(busy, { perTenant: 8 })).toEqual({ 'acme/a': 2 });
    const partitions = { perPartition: 4, partitionOf: (tenant: string) => tenant.length };
    expect(sharesOf([lane('one/a', 9), lane('two/a', 9), lane('three/a', 9)], partitions)).toEqual({
      'one/a': 2,
      'two/a': 2,
      'three/a': 4,
    });
  });
});
