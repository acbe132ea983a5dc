import { expect, test } from '@jest/globals';
import { median, percentile } from './statistics.ts';

test('the median is the middle one, whatever the order', () => {
  expect(median([9, 1, 5])).toBe(5);
});

test('of an even count the median is between the two in the middle', () => {
  expect(median([10, 1, 4, 2])).toBe(3);
});

test('numbers are ordered by value, not by their digits', () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(percentile([10, 9, 100], 100)).toBe(100);
});

test('so many percent do not exceed the percentile', () => {
  const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(percentile(numbers, 50)).toBe(100);
  expect(percentile(numbers, 99)).toBe(198);
  expect(percentile([7], 99)).toBe(7);
});

test('what was not measured is no figure', () => {
  expect(() => median([])).toThrow('Nothing was measured');
  expect(() => percentile([1, NaN], 95)).toThrow('1, NaN');
});
