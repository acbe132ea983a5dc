import { expect, test } from '@jest/globals';
import type { HandlerFailure } from '../isolate/protocol.ts';
import { EventOutcomes } from './plugin-condition.ts';

const NOW = Date.now();
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const failed = (more: { code?: string; causeCode?: string } = {}) =>
  [{ handler: 0, message: 'no', ...more }] as HandlerFailure[];

const times = (count: number, errors: HandlerFailure[]) => Array.from({ length: count }, () => errors);

function conditionAfter(...outcomes: HandlerFailure[][]) {
  const noted = new EventOutcomes();
  for (const errors of outcomes) noted.note(errors);
  return noted.condition(undefined);
}

test.each([
  ['nothing yet', [], 'ok'],
  ['what worked', [[], []], 'ok'],
  ['one failure among others that worked', [[], failed(), []], 'ok'],
  ['failures of its own', [[], failed(), failed({ code: 'ENOENT' })], 'broken'],
  ['a process that ended', [failed({ code: 'PLUGIN_CRASHED' })], 'broken'],
  ['handlers that were late', [failed({ code: 'HANDLER_TIMED_OUT' })], 'slow'],
  ['a service that refuses connections', [failed({ code: 'ECONNREFUSED' })], 'dependency-down'],
  ['a fetch whose cause is a name that is not found', [failed({ causeCode: 'ENOTFOUND' })], 'dependency-down'],
  [
    'a fetch that waited too long for a connection',
    [failed({ causeCode: 'UND_ERR_CONNECT_TIMEOUT' })],
    'dependency-down',
  ],
  ['a database that shuts down', [failed({ code: '57P01' })], 'dependency-down'],
  ['a mistake in SQL', [failed({ code: '42P01' })], 'broken'],
  ['mostly a service that is down', [failed(), ...times(3, failed({ code: 'ETIMEDOUT' }))], 'dependency-down'],
  ['a long row of what worked before', [...times(50, []), ...times(5, failed())], 'broken'],
])('after %s', (_what, outcomes, condition) => {
  expect(conditionAfter(...outcomes)).toBe(condition);
});

test('events that wait for long make a plugin slow, and failures of long ago nothing', () => {
  const noted = new EventOutcomes();
  noted.note(failed());
  expect(noted.condition(ago(60_000), NOW)).toBe('broken');
  const later = NOW + 10 * 60_000;
  expect(noted.condition(undefined, later)).toBe('ok');
  expect(noted.condition(new Date(later - 60_000).toISOString(), later)).toBe('slow');
  expect(noted.condition(new Date(later - 500).toISOString(), later)).toBe('ok');
});
