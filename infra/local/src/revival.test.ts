import { expect, test } from '@jest/globals';
import { createRevival, type RevivalOptions } from './revival.ts';

const young = { livedMs: 0, reason: () => 'it was ended by SIGKILL' };

function revivalOf(parts: Partial<RevivalOptions>) {
  const said: string[] = [];
  const bringBack = createRevival({
    name: 'Redis',
    log: (line) => said.push(line),
    onGivenUp: (error) => said.push(error.message),
    ended: new AbortController().signal,
    start: () => Promise.resolve(),
    // Nothing here is about how long it waits.
    pauseMs: () => 0,
    ...parts,
  });
  return { said, bringBack };
}

test('what cannot start at once is tried again, and what died is said once', async () => {
  let tried = 0;
  const start = () => ((tried += 1) < 3 ? Promise.reject(new Error('its memory is still in use')) : Promise.resolve());
  const { said, bringBack } = revivalOf({ start });
  await bringBack(young);
  expect(tried).toBe(3);
  expect(said).toEqual(['Redis died (it was ended by SIGKILL); starting it again']);
});

test('what never starts is given up with the last reason', async () => {
  const { said, bringBack } = revivalOf({ start: () => Promise.reject(new Error('the disk is full')) });
  await bringBack(young);
  expect(said.at(-1)).toBe('Redis could not be started again: the disk is full');
});

test('what dies young again and again is given up, and a long life or a wish forgives', async () => {
  const { said, bringBack } = revivalOf({});
  for (let death = 0; death < 5; death += 1) await bringBack(young);
  await bringBack({ ...young, wanted: true });
  for (let death = 0; death < 5; death += 1) await bringBack(young);
  await bringBack({ ...young, livedMs: 60_000 });
  for (let death = 0; death < 5; death += 1) await bringBack(young);
  expect(said).not.toContainEqual(expect.stringContaining('in a row'));
  await bringBack(young);
  expect(said.at(-1)).toBe('Redis died 6 times in a row: it was ended by SIGKILL');
});

test('what nobody wants any more is not started again', async () => {
  let started = false;
  const start = () => Promise.resolve((started = true));
  await revivalOf({ start, ended: AbortSignal.abort() }).bringBack(young);
  expect(started).toBe(false);
});
