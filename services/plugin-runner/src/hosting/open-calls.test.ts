import { expect, jest, test } from '@jest/globals';
import { OpenCalls } from './open-calls.ts';

test('a call that cannot be said is not waited for', async () => {
  jest.useFakeTimers();
  try {
    const calls = new OpenCalls();
    const asked = calls.ask(1_000, () => {
      throw new RangeError('too many bytes');
    });
    await expect(asked).rejects.toThrow('too many bytes');
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});
