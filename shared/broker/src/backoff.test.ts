import { expect, test } from '@jest/globals';
import { Backoff } from './backoff.ts';

test('pauses double up to the longest, each between half and the whole', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 });
  for (const whole of [100, 200, 400, 800, 1_000, 1_000]) {
    const pause = backoff.nextMs();
    expect(pause).toBeGreaterThanOrEqual(whole / 2);
    expect(pause).toBeLessThanOrEqual(whole);
  }
});

test('after a success they begin short again', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 });
  for (let attempt = 0; attempt < 5; attempt += 1) backoff.nextMs();
  backoff.reset();
  expect(backoff.nextMs()).toBeLessThanOrEqual(100);
});
