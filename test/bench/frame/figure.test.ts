import { expect, test } from '@jest/globals';
import { figureOf } from './figure.ts';
import { figuresTable } from './figures-table.ts';

const wanted = { figure: 'start', unit: 'ms' };

test('a figure has exactly what readers of --json rely on', () => {
  const figure = figureOf({ ...wanted, aim: { ratioAtMost: 2.5 } }, { product: [50, 40, 60], limit: [20, 30, 25] });
  expect(JSON.parse(JSON.stringify([figure]))).toEqual([
    { figure: 'start', unit: 'ms', value: 50, limit: 25, ratio: 2, aim: '≤ 2.5 ×', met: true },
  ]);
});

test.each([
  ['a ratio up to the aim is met', { ratioAtMost: 2 }, true],
  ['a ratio above the aim is missed', { ratioAtMost: 1.99 }, false],
  ['a ratio from the aim on is met', { ratioAtLeast: 2 }, true],
  ['a ratio below the aim is missed', { ratioAtLeast: 2.01 }, false],
  ['a value up to the aim is met', { atMost: 50 }, true],
  ['a value above the aim is missed', { atMost: 49 }, false],
  ['a value from the aim on is met', { atLeast: 50 }, true],
  ['a value below the aim is missed', { atLeast: 51 }, false],
])('%s', (_name, aim, met) => {
  expect(figureOf({ ...wanted, aim }, { product: [50], limit: [25] }).met).toBe(met);
});

test('a figure without an aim is neither met nor missed', () => {
  expect(figureOf(wanted, { product: [50] })).toEqual({
    ...{ ...wanted, value: 50, limit: null, ratio: null, aim: null, met: null },
  });
});

test('an aim that compares needs something to compare with', () => {
  expect(() => figureOf({ ...wanted, aim: { ratioAtMost: 2 } }, { product: [50] })).toThrow('no limit');
});

test('the table shows a figure beside its aim, and what is missed stands out', () => {
  const figures = [
    figureOf({ ...wanted, aim: { ratioAtMost: 2.5 } }, { product: [61.234], limit: [20] }),
    figureOf(
      { figure: 'events', unit: 'events/s', aim: { ratioAtLeast: 0.3 } },
      { product: [30_000], limit: [75_000] },
    ),
    figureOf({ figure: 'waking', unit: 'ms' }, { product: [80] }),
  ];
  expect(figuresTable(figures).split('\n')).toEqual([
    'figure            value            limit   ratio  aim',
    'start           61.2 ms            20 ms  3.06 ×  ≤ 2.5 ×  MISSED',
    'events  30 000 events/s  75 000 events/s  0.40 ×  ≥ 0.3 ×  met',
    'waking            80 ms',
  ]);
});
