import { expect, test } from '@jest/globals';
import { readSettings } from '@verifywise/service-kit';
import { errorBudget } from './error-budget.ts';
import { strictestBudget } from './installation/error-budget.ts';

const read = (text: string | undefined) =>
  readSettings({ PLUGIN_ERROR_BUDGET: text }, { budget: errorBudget('PLUGIN_ERROR_BUDGET', strictestBudget) }).budget;

test.each([
  [undefined, 1, 60],
  ['', 1, 60],
  ['1/60s', 1, 60],
  ['3/10m', 3, 600],
  [' 20 / 1h ', 20, 3_600],
])('%j is read', (text, failures, seconds) => {
  expect(read(text)).toEqual({ failures, seconds });
});

test.each(['3', '0/60s', '3/0s', '-1/60s', '1.5/60s', '3/10d', '3/10', 'many/60s', '1001/1s', '1/169h', '3/10m/1'])(
  '%j is refused with a sentence that says how to write it',
  (text) => {
    expect(() => read(text)).toThrow(/^PLUGIN_ERROR_BUDGET must be .*; for example PLUGIN_ERROR_BUDGET=3\/10m\.$/);
  },
);
