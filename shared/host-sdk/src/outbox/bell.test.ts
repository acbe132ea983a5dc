import { expect, test } from '@jest/globals';
import { Bell } from './bell.ts';

const LONG_MS = 60_000;

test('a ring wakes who waits', async () => {
  const bell = new Bell();
  const heard = bell.heard(LONG_MS);
  bell.ring();
  await expect(heard).resolves.toBeUndefined();
});

test('a ring that nobody waited for is not lost', async () => {
  const bell = new Bell();
  bell.silence();
  bell.ring();
  await expect(bell.heard(LONG_MS)).resolves.toBeUndefined();
});

test('without a ring the wait ends by itself', async () => {
  await expect(new Bell().heard(1)).resolves.toBeUndefined();
});
