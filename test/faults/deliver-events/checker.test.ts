import { expect, test } from '@jest/globals';
import { check } from './checker.ts';
import type { Handled } from './history.ts';

const emitted = (...sequences: number[]) =>
  sequences.map((sequence) => ({ tenant: 'acme', sequence, eventId: `e-${sequence}` }));
const call = (sequence: number, begunAt: number, endedAt: number | undefined, pid = 1, tenant = 'acme'): Handled => ({
  ...{
    tenant,
    sequence,
    eventId: tenant === 'acme' ? `e-${sequence}` : `${tenant}-${sequence}`,
    pid,
    begunAt,
    endedAt,
  },
});

test('finds nothing in a history that is as it should be', () => {
  const calls = [call(1, 1, 2), call(2, 3, 4), call(1, 5, 8, 2, 'globex'), call(3, 6, 7)];
  expect(check(emitted(1, 2, 3), calls)).toEqual({ lost: [], duplicates: [], outOfOrder: [], overlaps: [] });
});

test('finds what was lost, unless it was set aside', () => {
  const calls = [call(1, 1, 2), call(2, 3, undefined)];
  expect(check(emitted(1, 2, 3), calls).lost).toEqual(emitted(2, 3));
  expect(check(emitted(1, 2, 3), calls, new Set(['e-2'])).lost).toEqual(emitted(3));
});

test('finds what was handled to the end twice, and does not count what a killed process had begun', () => {
  const calls = [call(1, 1, undefined), call(1, 2, 3, 2), call(1, 4, 5, 2)];
  expect(check(emitted(1), calls).duplicates).toEqual([calls[2]]);
});

test('finds first attempts out of order, and lets repetitions be', () => {
  const calls = [call(1, 1, 2), call(3, 3, 4), call(2, 5, 6), call(1, 7, 8), call(4, 9, 10)];
  expect(check(emitted(1, 2, 3, 4), calls).outOfOrder).toEqual([calls[2]]);
});

test('finds what two processes handled at the same time', () => {
  const calls = [call(1, 1, 5), call(2, 3, 7, 2), call(3, 8, 9, 2)];
  expect(check(emitted(1, 2, 3), calls).overlaps).toEqual([[calls[0], calls[1]]]);
});
