import { PlatformError } from '@verifywise/contracts';
import { expect, test } from '@jest/globals';
import { isDatabaseAway } from './database-away.ts';

test.each([
  [new Error('timeout exceeded when trying to connect'), true],
  [new Error('Connection terminated unexpectedly'), true],
  [Object.assign(new Error('terminating connection'), { code: '57P01' }), true],
  [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), true],
  [Object.assign(new Error('too many connections'), { code: '53300' }), true],
  [Object.assign(new Error('duplicate key'), { code: '23505' }), false],
  [new PlatformError('UPSTREAM_FAILED', 'The host could not be fetched from: ECONNREFUSED'), false],
  [new Error('a hook failed'), false],
])('%s: %s', (error, away) => {
  expect(isDatabaseAway(error)).toBe(away);
});
