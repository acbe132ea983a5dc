import { describe, expect, test } from '@jest/globals';
import { errorAnswer, errorFromAnswer, isErrorCode, PlatformError, statusOfCode } from './errors.ts';

class PluginNotFoundError extends PlatformError {
  constructor(pluginId: string) {
    super('PLUGIN_NOT_FOUND', `There is no plugin ${pluginId}`, { details: { pluginId } });
  }
}

describe('errors', () => {
  // Contract §5.
  test.each([
    ['BAD_REQUEST', 400],
    ['UNAUTHENTICATED', 401],
    ['FORBIDDEN', 403],
    ['PLUGIN_NOT_FOUND', 404],
    ['DEPENDENTS_EXIST', 409],
    ['TOO_LARGE', 413],
    ['NOT_A_ZIP', 415],
    ['CHECKSUM_MISMATCH', 422],
    ['BUSY', 423],
    ['DEPENDENCY_FAILED', 424],
    ['RATE_LIMITED', 429],
    ['INTERNAL', 500],
    ['DOWNLOAD_FAILED', 502],
    ['NO_RUNNER', 503],
    ['HOOK_TIMED_OUT', 504],
  ] as const)('%s means %i', (code, status) => {
    expect(statusOfCode[code]).toBe(status);
  });

  test('every code means an error', () => {
    for (const status of Object.values(statusOfCode)) expect(status).toBeGreaterThanOrEqual(400);
  });

  test('only codes of the table are codes', () => {
    expect(isErrorCode('BUSY')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode('NOPE')).toBe(false);
    expect(isErrorCode(500)).toBe(false);
  });

  test('an error is named like its class and keeps its cause', () => {
    const cause = new Error('disk full');
    const error = new PlatformError('INTERNAL', 'The package could not be stored', { cause });
    expect(error.cause).toBe(cause);
    expect(new PluginNotFoundError('slack').name).toBe('PluginNotFoundError');
    expect('cause' in new PluginNotFoundError('slack')).toBe(false);
  });

  test('an error of ours travels with code, message and details, and nothing else', () => {
    expect(errorAnswer(new PluginNotFoundError('slack'))).toEqual({
      code: 'PLUGIN_NOT_FOUND',
      message: 'There is no plugin slack',
      details: { pluginId: 'slack' },
    });
  });

  test.each([new Error('SELECT secret FROM t'), 'text', undefined, { code: 'BUSY' }])(
    'what is not ours keeps its message to itself',
    (thrown) => {
      const answer = errorAnswer(thrown);
      expect(answer.code).toBe('INTERNAL');
      expect(JSON.stringify(answer)).not.toContain('SELECT');
    },
  );

  test('an answer that came by wire is an error again, with the same code', () => {
    const answer = { code: 'BUSY', message: 'Another operation is running', details: { operationId: 'x' } } as const;
    expect(errorAnswer(errorFromAnswer(answer))).toEqual(answer);
    expect(errorAnswer(errorFromAnswer({ code: 'BUSY', message: 'm' }))).toEqual({ code: 'BUSY', message: 'm' });
  });
});
