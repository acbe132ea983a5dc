import { expect, test } from '@jest/globals';
import { keepUnchanged } from './unchanged-parts.ts';

const overWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('what came back the same is the very same', () => {
  const original = { risk: { since: new Date(0), notes: undefined }, list: [{ at: new Date(1) }] };
  expect(keepUnchanged(original, overWire(original))).toBe(original);
});

test('beside a change everything else is as it was', () => {
  const original = { risk: { title: 'a', since: new Date(0), tags: new Set(['x']) }, list: [{ at: new Date(1) }, 2] };
  const changed = overWire(original) as { risk: { title: string }; list: unknown[]; more?: number };
  changed.risk.title = 'b';
  changed.list.push(3);
  changed.more = 1;
  const kept = keepUnchanged(original, changed) as typeof original;
  expect(kept).toEqual({ ...original, risk: { ...original.risk, title: 'b' }, list: [...original.list, 3], more: 1 });
  expect(kept.risk.since).toBe(original.risk.since);
  expect(kept.risk.tags).toBe(original.risk.tags);
});

test('a date that was changed is a date, and what is none is left as it is', () => {
  const original = { since: new Date(0) };
  expect(keepUnchanged(original, { since: '2026-01-02T00:00:00.000Z' })).toEqual({ since: new Date('2026-01-02') });
  expect(keepUnchanged(original, { since: 'soon' })).toEqual({ since: 'soon' });
});

test('what plugins took away is gone', () => {
  expect(keepUnchanged({ a: 1, b: { c: 2 } }, { b: {} })).toEqual({ b: {} });
});
