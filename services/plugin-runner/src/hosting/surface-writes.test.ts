import { expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { SurfaceWrites } from './surface-writes.ts';

/** Writes that are noted, and a promise of the one that is written under a name. */
function writesUnderTest() {
  const written: string[] = [];
  const waiting = new Map<string, () => void>();
  const failures: unknown[] = [];
  const broken = new Map<string, number>();
  return {
    writes: new SurfaceWrites((error) => failures.push(error)),
    written,
    failures,
    write: (name: string) => () => {
      written.push(name);
      waiting.get(name)?.();
      const left = broken.get(name) ?? 0;
      broken.set(name, left - 1);
      return left > 0 ? Promise.reject(new Error('no database')) : Promise.resolve();
    },
    /** The write of this name fails so many times. */
    fails: (name: string, times: number) => broken.set(name, times),
    when: (name: string) => new Promise<void>((resolve) => waiting.set(name, resolve)),
  };
}

test('of what a plugin offers within a moment, the first and the latest are written', async () => {
  const { writes, written, write, when } = writesUnderTest();
  const latest = when('3000');
  for (let nth = 1; nth <= 3_000; nth += 1) writes.addSurface(write(String(nth)));
  await latest;
  expect(written).toEqual(['1', '3000']);
});

test('that it fell asleep is written after what it offers, and counts no more when it offers something anew', async () => {
  const { writes, written, write, when } = writesUnderTest();
  const asleep = when('sleeps again');
  writes.addSurface(write('first'));
  writes.addSurface(write('second'));
  writes.addSleep(write('sleeps'));
  writes.addSurface(write('third'));
  writes.addSleep(write('sleeps again'));
  await asleep;
  expect(written).toEqual(['first', 'third', 'sleeps again']);
});

test('a write that fails is told and made again, until it succeeds', async () => {
  const { writes, written, failures, fails, write, when } = writesUnderTest();
  fails('surface', 2);
  fails('sleeps', 1);
  writes.addSurface(write('surface'));
  writes.addSleep(write('sleeps'));
  await eventually(() => expect(written).toEqual(['surface', 'surface', 'surface', 'sleeps', 'sleeps']));
  expect(failures).toEqual([new Error('no database'), new Error('no database'), new Error('no database')]);
  const next = when('next');
  writes.addSurface(write('next'));
  await next;
});

test('a write that fails is not made again once there is a newer one', async () => {
  const { writes, written, fails, write, when } = writesUnderTest();
  fails('first', 1);
  fails('sleeps', 1);
  const third = when('third');
  writes.addSurface(write('first'));
  writes.addSurface(write('second'));
  await eventually(() => expect(written).toEqual(['first', 'second']));
  const asleep = when('sleeps');
  writes.addSleep(write('sleeps'));
  await asleep;
  writes.addSurface(write('third'));
  await third;
  expect(written).toEqual(['first', 'second', 'sleeps', 'third']);
});
