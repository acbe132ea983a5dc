import { expect, test } from '@jest/globals';
import { inLoadOrder } from './load-order.ts';

function order(...plugins: [tenant: string, pluginId: string, ...needs: string[]][]): string[] {
  const loadable = plugins.map(([tenant, pluginId, ...needs]) => {
    return { tenant, pluginId, manifest: { dependencies: Object.fromEntries(needs.map((id) => [id, '*'])) } };
  });
  return inLoadOrder(loadable).map(({ tenant, pluginId }) => `${tenant} ${pluginId}`);
}

test('a plugin is loaded after what it needs, those of other tenants do not count', () => {
  expect(order(['acme', 'a', 'b'], ['acme', 'b', 'c'], ['acme', 'c'])).toEqual(['acme c', 'acme b', 'acme a']);
  expect(order(['acme', 'a', 'b'], ['globex', 'b'])).toEqual(['acme a', 'globex b']);
  expect(order(['acme', 'a'], ['acme', 'b'], ['globex', 'a', 'b'], ['globex', 'b'])).toEqual([
    ...['acme a', 'acme b', 'globex b', 'globex a'],
  ]);
});

test('a manifest that names no dependencies has none', () => {
  const old = { tenant: 'acme', pluginId: 'old', manifest: {} };
  expect(inLoadOrder([old])).toEqual([old]);
});

test('a diamond has its bottom once, and a circle has some order', () => {
  expect(order(['t', 'top', 'l', 'r'], ['t', 'l', 'base'], ['t', 'r', 'base'], ['t', 'base'])).toEqual([
    ...['t base', 't l', 't r', 't top'],
  ]);
  expect(order(['t', 'a', 'b'], ['t', 'b', 'a'])).toHaveLength(2);
});
