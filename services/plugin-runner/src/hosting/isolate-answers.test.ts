import { expect, test } from '@jest/globals';
import type { WireError } from '../isolate/protocol.ts';
import { readAnswer } from './isolate-answers.ts';
import { toldError } from './told-error.ts';

const told = (error: WireError) => toldError(error, (text) => text.replaceAll('hunter22', '***'));

test.each([
  ['event', {}],
  ['event', null],
  ['event', { errors: [], left: ['none'] }],
  ['event', { errors: [{ handler: 0 }], left: [] }],
  ['event', { errors: [{ handler: 'x', message: 'no' }], left: [] }],
  ['event', { errors: [{ handler: 0, message: 'no', retry: { attempts: 2, backoff: null } }], left: [] }],
  ['job', 'finished'],
  ['awake', {}],
] as const)('what is no answer to %s is refused: %j', (call, answer) => {
  expect(() => readAnswer(call, answer, told)).toThrow('is no answer to');
});

test('failures are told without secrets and without what else was said, and a forged list of them has an end', () => {
  const failure = { handler: 1, message: 'hunter22\0', stack: 7, details: 'much', more: 'more' };
  expect(readAnswer('event', { errors: [failure], left: [2] }, told)).toEqual({
    errors: [{ handler: 1, message: '***\uFFFD' }],
    left: [2],
  });
  const forged = { errors: Array.from({ length: 5_000 }, () => failure), left: [] };
  expect(readAnswer('event', forged, told).errors).toHaveLength(1_000);
  const filtered = { data: {}, applied: 0, errors: [{ message: 'hunter22' }] };
  expect(readAnswer('filter', filtered, told)).toEqual({ data: {}, applied: 0, errors: [{ message: '***' }] });
  const passed = { kind: 'refuse', failures: [{ message: 'hunter22' }] };
  expect(readAnswer('middleware', passed, told)).toEqual({ kind: 'refuse', failures: [{ message: '***' }] });
});
