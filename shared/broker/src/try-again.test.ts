import { expect, test } from '@jest/globals';
import { tryAgain } from './try-again.ts';

test('what succeeds at once is not tried again', async () => {
  let tried = 0;
  const attempt = (): Promise<void> => {
    tried += 1;
    return Promise.resolve();
  };
  await tryAgain(attempt, { attempts: 3, signal: new AbortController().signal, failed: () => undefined });
  expect(tried).toBe(1);
});

test('the last error is thrown when no attempt succeeds, and every failure is told', async () => {
  const told: [unknown, number][] = [];
  let tried = 0;
  const attempt = (): Promise<void> => {
    tried += 1;
    return Promise.reject(new Error(`failure ${tried}`));
  };
  const trying = tryAgain(attempt, {
    attempts: 2,
    signal: new AbortController().signal,
    failed: (error, number) => void told.push([String(error), number]),
  });
  await expect(trying).rejects.toThrow('failure 2');
  expect(told).toEqual([
    ['Error: failure 1', 1],
    ['Error: failure 2', 2],
  ]);
});

test('nothing is tried again after the signal was aborted', async () => {
  const stopping = new AbortController();
  let tried = 0;
  const attempt = (): Promise<void> => {
    tried += 1;
    stopping.abort();
    return Promise.reject(new Error('failed while stopping'));
  };
  await expect(tryAgain(attempt, { attempts: 5, signal: stopping.signal, failed: () => undefined })).rejects.toThrow(
    'failed while stopping',
  );
  expect(tried).toBe(1);
});
