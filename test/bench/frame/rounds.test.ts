import { expect, test } from '@jest/globals';
import { alone, inTurn } from './rounds.ts';

test('limit and product are measured in turn, each as often as there are rounds; the first turn of each warms up', async () => {
  const turns: string[] = [];
  const side = (name: string) => () => {
    turns.push(name);
    return Promise.resolve({ p50: turns.length });
  };
  const { limit, product } = await inTurn(3, { limit: side('limit'), product: side('product') });
  expect(turns.join()).toBe('product,limit,limit,product,product,limit,limit,product');
  expect(limit.p50).toEqual([3, 6, 7]);
  expect(product.p50).toEqual([4, 5, 8]);
});

test('what nothing compares with is measured as often as there are rounds', async () => {
  let turn = 0;
  const measured = await alone(3, () => Promise.resolve({ time: (turn += 1), rate: -turn }));
  expect(measured).toEqual({ time: [1, 2, 3], rate: [-1, -2, -3] });
});

test('a side that cannot be measured is no figure', async () => {
  const broken = () => Promise.reject(new Error('no such program'));
  await expect(inTurn(5, { limit: broken, product: () => Promise.resolve({}) })).rejects.toThrow('no such program');
});
