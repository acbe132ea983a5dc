import { expect, test } from '@jest/globals';
import { triggeredBy } from './triggered-by.ts';

test('the user is found where authentication middleware leaves it', () => {
  expect(triggeredBy({ userId: 7 })).toEqual({ userId: 7 });
  expect(triggeredBy({ user: { id: '7', email: 'ada@acme.example', name: 'Ada' } })).toEqual({
    userId: 7,
    email: 'ada@acme.example',
    name: 'Ada',
  });
});

test('a request without a user is not taken for one of somebody', () => {
  expect(() => triggeredBy({})).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
  expect(() => triggeredBy({ user: { id: 'ada' } })).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
});
