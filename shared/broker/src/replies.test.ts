import { expect, test } from '@jest/globals';
import { readReply } from './replies.ts';

const read = (value: unknown): ReturnType<typeof readReply> => readReply(Buffer.from(JSON.stringify(value)));

test('a reply is a result, also when there is none', () => {
  expect(read({ result: { n: 1 } })).toEqual({ result: { n: 1 } });
  expect(read({ result: null })).toEqual({ result: null });
  expect(read({})).toEqual({ result: undefined });
});

test('an error keeps its code, message and details', () => {
  const reply = read({ error: { code: 'NOT_FOUND', message: 'no such plugin', details: { id: 'x' } } });
  expect('error' in reply && reply.error).toMatchObject({
    code: 'NOT_FOUND',
    message: 'no such plugin',
    details: { id: 'x' },
  });
});

test('a code that this version does not know is INTERNAL, and so is a reply that cannot be read', () => {
  const unknown = read({ error: { code: 'FROM_THE_FUTURE', message: 'later' } });
  expect('error' in unknown && unknown.error).toMatchObject({ code: 'INTERNAL', message: 'later' });
  const broken = readReply(Buffer.from('{"res'));
  expect('error' in broken && broken.error.code).toBe('INTERNAL');
});
