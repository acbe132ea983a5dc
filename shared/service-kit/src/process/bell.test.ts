import { expect, test } from '@jest/globals';
import { Bell } from './bell.ts';

const LONG_MS = 60_000;

test('a bell wakes who waits', async () => {
  const bell = new Bell();
  const waiting = bell.wait(LONG_MS);
  bell.ring();
  await waiting;
});

test('a bell rung while nobody waits is heard once by the next', async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.wait(LONG_MS);
  let woken = false;
  const second = bell.wait(LONG_MS).then(() => (woken = true));
  await Promise.resolve();
  expect(woken).toBe(false);
  bell.ring();
  await second;
});

test('a bell that is not rung lets go in the end', async () => {
  await new Bell().wait(1);
});
