import { expect, test } from '@jest/globals';
import { computeChanges } from './changes.ts';

test('only fields that differ are changes, each with its value before and after', () => {
  const before = { status: 'draft', title: 'Old', owner: 3, tags: ['a'] };
  const after = { status: 'published', title: 'Old', owner: 3, tags: ['a', 'b'] };
  expect(computeChanges(before, after)).toEqual({
    status: { before: 'draft', after: 'published' },
    tags: { before: ['a'], after: ['a', 'b'] },
  });
});

test('a field that came or went is a change', () => {
  expect(computeChanges({ gone: 1 }, { came: 2 })).toEqual({
    gone: { before: 1, after: undefined },
    came: { before: undefined, after: 2 },
  });
});

test('equal dates and equal nested values are no change', () => {
  const row = () => ({ due: new Date('2026-01-01T00:00:00Z'), nested: { list: [1, { two: 2 }] } });
  expect(computeChanges(row(), row())).toEqual({});
});

test('a field named like a part of every object is compared like any other', () => {
  expect(computeChanges({ ['toString']: 'a' }, { ['toString']: 'a', ['constructor']: 1 })).toEqual({
    constructor: { before: undefined, after: 1 },
  });
});
