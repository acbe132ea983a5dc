import { expect, test } from '@jest/globals';
import type { Permission } from '@verifywise/plugin-types';
import { grantsOnUpdate } from './grants.ts';

const update = (
  before: { declared: Permission[]; granted: Permission[] },
  declared: Permission[],
  accepted?: Permission[],
) => grantsOnUpdate('mapper', before, declared, accepted);

test('an update keeps what was granted, and what was taken away stays away', () => {
  const before = { declared: ['config:read', 'http:outbound'], granted: ['config:read'] } as const;
  expect(
    update({ ...before, declared: [...before.declared], granted: [...before.granted] }, [...before.declared]),
  ).toEqual(['config:read']);
});

test('what is newly declared is granted only with consent', () => {
  const before: { declared: Permission[]; granted: Permission[] } = { declared: [], granted: [] };
  expect(() => update(before, ['http:outbound'])).toThrow(/http:outbound/);
  expect(update(before, ['http:outbound'], ['http:outbound'])).toEqual(['http:outbound']);
});

test('what is no longer declared goes, and coming back it needs consent again', () => {
  const granted = update({ declared: ['config:read', 'database:read'], granted: ['config:read', 'database:read'] }, [
    'config:read',
  ]);
  expect(granted).toEqual(['config:read']);
  expect(() => update({ declared: ['config:read'], granted }, ['config:read', 'database:read'])).toThrow(
    /database:read/,
  );
});

test('what an admin gave beyond what was declared stays', () => {
  expect(update({ declared: [], granted: ['events:listen'] }, [])).toEqual(['events:listen']);
});
