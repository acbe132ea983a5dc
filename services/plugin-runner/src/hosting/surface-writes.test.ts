import { expect, test } from '@jest/globals';
import { SurfaceWrites } from './surface-writes.ts';

/** Writes that are noted, and a promise of the one that is written under a name. */
function writesUnderTest() {
  const written: string[] = [];
  const waiting = new Map<string, () => void>();
  const failures: unknown[] = [];
  return {
    writes: new SurfaceWrites((error) => failures.push(error)),
    written,
    failures,
    write: (name: string) => () => {
      written.push(name);
      waiting.get(name)?.();
      return name === 'fails' ? Promise.reject(new Error('no database')) : Promise.resolve();
    },
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

test('a write that fails is told, and the next is made', async () => {
  const { writes, failures, write, when } = writesUnderTest();
  const next = when('next');
  writes.addSurface(write('fails'));
  writes.addSurface(write('next'));
  await next;
  expect(failures).toEqual([new Error('no database')]);
});
