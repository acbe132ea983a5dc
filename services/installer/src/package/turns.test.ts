import { expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

test('so many work at a time, the others in the order they came, also after one that failed', async () => {
  const turns = new Turns(2);
  const order: string[] = [];
  const gates = ['a', 'b', 'c', 'd'].map((name) => ({ name, ...Promise.withResolvers<undefined>() }));
  const all = gates.map(({ name, promise }) =>
    turns.take(async () => {
      order.push(name);
      await promise;
      return name;
    }),
  );
  const settled = Promise.allSettled(all);
  expect(order).toEqual(['a', 'b']);
  gates[1]?.reject(new Error('b is broken'));
  await expect(all[1]).rejects.toThrow('b is broken');
  expect(order).toEqual(['a', 'b', 'c']);
  for (const { resolve } of gates) resolve(undefined);
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});
