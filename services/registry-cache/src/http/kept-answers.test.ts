import { expect, test } from '@jest/globals';
import { KeptAnswers } from './kept-answers.ts';

test('what was asked for longest ago goes first when there are too many bytes', () => {
  const kept = new KeptAnswers(1_000);
  for (const key of ['a', 'b', 'c']) kept.keep(key, Buffer.alloc(300));
  kept.find('a');
  kept.keep('d', Buffer.alloc(300));
  expect(['a', 'b', 'c', 'd'].filter((key) => kept.find(key) !== undefined)).toEqual(['a', 'c', 'd']);
});

test('keys count, and what is larger than everything is not kept', () => {
  const kept = new KeptAnswers(1_000);
  kept.keep('x'.repeat(450), Buffer.alloc(10));
  kept.keep('y'.repeat(450), Buffer.alloc(10));
  kept.keep('z', Buffer.alloc(2_000));
  expect(kept.find('x'.repeat(450))).toBeUndefined();
  expect(kept.find('y'.repeat(450))).toHaveLength(10);
  expect(kept.find('z')).toBeUndefined();
});
