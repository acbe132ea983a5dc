import { describe, expect, test } from '@jest/globals';
import { createMatching } from './matching.ts';

const entry = (id: string, pattern: unknown, position = 'before', failClosed = false) =>
  ({ id, pattern, position, failClosed }) as never;

describe('matching middleware', () => {
  const surface = {
    middleware: [
      entry('a', '/api/*'),
      entry('b', '/api/risks/:id', 'before', true),
      entry('c', '/api/risks/:id', 'after'),
      entry('odd', 5),
      entry('broken', '/api//x'),
    ],
  };
  const matching = createMatching();

  test('is in the order in which it was added, with the parameters of each pattern', () => {
    expect(matching(surface, 'before', '/api/risks/7?x=1')).toEqual({
      entries: [
        { id: 'a', params: { 0: 'risks/7' } },
        { id: 'b', params: { id: '7' } },
      ],
      failClosed: true,
    });
    expect(matching(surface, 'after', '/api/risks/7').entries).toEqual([{ id: 'c', params: { id: '7' } }]);
  });

  test('closes the way only for requests it is for', () => {
    expect(matching(surface, 'before', '/api/users')).toEqual({
      entries: [{ id: 'a', params: { 0: 'users' } }],
      failClosed: false,
    });
    expect(matching(surface, 'after', '/login')).toEqual({ entries: [], failClosed: false });
  });
});
