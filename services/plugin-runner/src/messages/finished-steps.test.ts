import { PlatformError } from '@verifywise/contracts';
import { expect, test } from '@jest/globals';
import { failedStep } from './finished-steps.ts';

test('a hook that fails has failed, with its stack', () => {
  const error = Object.assign(new PlatformError('HOOK_FAILED', 'onEnable failed'), { pluginStack: 'at index.js' });
  expect(failedStep('s-1', error)).toEqual({
    ...{ kind: 'failed', stepId: 's-1' },
    error: { code: 'HOOK_FAILED', message: 'onEnable failed', stack: 'at index.js' },
  });
});

test.each([
  ['for another runner', new PlatformError('NOT_THE_OWNER', 'elsewhere')],
  ['that found no database', new Error('timeout exceeded when trying to connect')],
])('a step %s has not failed: it is tried again', (_what, error) => {
  expect(() => failedStep('s-1', error)).toThrow(error);
});
