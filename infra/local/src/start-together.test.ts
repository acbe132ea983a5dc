import { expect, test } from '@jest/globals';
import { startTogether } from './start-together.ts';

/** Starts when nobody stops it, which here is never. */
function patient(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted'))));
}

test('what all of them started is returned in order', async () => {
  const started = await startTogether<[string, number]>(() => [Promise.resolve('a'), Promise.resolve(2)]);
  expect(started).toEqual(['a', 2]);
});

test('the first failure ends the others and is the one that is told', async () => {
  const starting = startTogether((signal) => [patient(signal), Promise.reject(new Error('no database'))]);
  await expect(starting).rejects.toThrow('no database');
});

test('an interruption from outside reaches all of them', async () => {
  const outside = new AbortController();
  const starting = startTogether((signal) => [patient(signal)], outside.signal);
  outside.abort();
  await expect(starting).rejects.toThrow('interrupted');
});
