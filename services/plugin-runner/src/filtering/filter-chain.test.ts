import { describe, expect, test } from '@jest/globals';
import { filterChain, takesPart } from './filter-chain.ts';

const plugin = (pluginId: string, ...filters: [id: number, name: string, priority: number][]) => ({
  pluginId,
  surface: { filters: filters.map(([id, name, priority]) => ({ id, name, priority })) },
});
const chainOf = (...plugins: ReturnType<typeof plugin>[]) =>
  filterChain('f', plugins).map((link) => [link.plugin.pluginId, ...link.handlers]);

describe('the chain of a filter', () => {
  test('runs lower priorities first, over all plugins', () => {
    expect(chainOf(plugin('a', [1, 'f', 20], [2, 'f', 5]), plugin('b', [1, 'f', 10]))).toEqual([
      ['a', 2],
      ['b', 1],
      ['a', 1],
    ]);
  });

  test('runs equal priorities in the order of the plugins, then as they were added, and asks a plugin once for all of them', () => {
    expect(chainOf(plugin('b', [7, 'f', 10], [3, 'f', 10]), plugin('a', [1, 'f', 10], [2, 'f', 11]))).toEqual([
      ['b', 7, 3],
      ['a', 1, 2],
    ]);
  });

  test('leaves out other filters', () => {
    expect(chainOf(plugin('a', [1, 'g', 1]), plugin('b', [1, 'f', 2], [2, 'g', 1]))).toEqual([['b', 1]]);
    expect(takesPart('f', plugin('a', [1, 'g', 1]).surface)).toBe(false);
    expect(takesPart('g', plugin('a', [1, 'g', 1]).surface)).toBe(true);
  });
});
