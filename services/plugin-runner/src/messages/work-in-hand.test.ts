import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { WorkInHand } from './work-in-hand.ts';

describe('work in hand', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('whose outcome nobody tells any more is not kept; as long as somebody tries to, it is', async () => {
    const inHand = new WorkInHand<number>();
    let runs = 0;
    const work = () => inHand.once('a', () => Promise.resolve((runs += 1)));
    for (let tries = 0; tries < 5; tries += 1) {
      expect(await work()).toBe(1);
      jest.advanceTimersByTime(30_000);
    }
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(await work()).toBe(2);
  });

  test('that comes again while it runs, or before its outcome was told, is not done again', async () => {
    const inHand = new WorkInHand<number>();
    let runs = 0;
    const work = () => inHand.once('a', () => Promise.resolve((runs += 1)));
    expect(await Promise.all([work(), work()])).toEqual([1, 1]);
    expect(await work()).toBe(1);
    inHand.end('a', false);
    expect(await work()).toBe(1);
    inHand.end('a', true);
    expect(await work()).toBe(2);
  });

  test('that could not be begun is tried again', async () => {
    const inHand = new WorkInHand<number>();
    await expect(inHand.once('a', () => Promise.reject(new Error('moved')))).rejects.toThrow('moved');
    expect(await inHand.once('a', () => Promise.resolve(1))).toBe(1);
  });
});
