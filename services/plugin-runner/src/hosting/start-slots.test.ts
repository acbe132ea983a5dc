import { expect, test } from '@jest/globals';
import { StartSlots } from './start-slots.ts';

test('four start at once, the next when one of them has ended, also in failure', async () => {
  const slots = new StartSlots();
  const begun: number[] = [];
  const ends: PromiseWithResolvers<undefined>[] = [];
  const runs = [0, 1, 2, 3, 4, 5].map((number) =>
    slots.run(() => {
      begun.push(number);
      ends[number] = Promise.withResolvers<undefined>();
      return ends[number].promise.then(() => undefined);
    }),
  );
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[2]?.reject(new Error('no'));
  await expect(runs[2]).rejects.toThrow('no');
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  ends[0]?.resolve(undefined);
  await runs[0];
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  for (const end of ends) end.resolve(undefined);
  await Promise.allSettled(runs);
});

test('a start that waits for something holds nobody up for long', async () => {
  const slots = new StartSlots(20);
  const never = Promise.withResolvers<undefined>();
  const hanging = [0, 1, 2, 3, 4, 5].map(() => slots.run(() => never.promise.then(() => undefined)));
  let started = 0;
  const behind = [0, 1].map(() => slots.run(() => Promise.resolve(void (started += 1))));
  await Promise.all(behind);
  expect(started).toBe(2);
  never.resolve(undefined);
  await Promise.all(hanging);
  const all = [0, 1, 2, 3, 4].map(() => slots.run(() => Promise.resolve()));
  await expect(Promise.all(all)).resolves.toHaveLength(5);
});
