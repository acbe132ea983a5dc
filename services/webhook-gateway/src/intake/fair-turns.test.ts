import { expect, test } from '@jest/globals';
import { FairTurns } from './fair-turns.ts';

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('turns go round the tenants, so a flood of one lets every other in', async () => {
  const turns = new FairTurns(1);
  const done: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const first = turns.run('flood', () => gate.promise);
  const rest = [
    ...Array.from({ length: 1_000 }, (_, index) =>
      turns.run('flood', () => Promise.resolve(void done.push(`flood ${index}`))),
    ),
    turns.run('acme', () => Promise.resolve(void done.push('acme 0'))),
    turns.run('acme', () => Promise.resolve(void done.push('acme 1'))),
    turns.run('globex', () => Promise.resolve(void done.push('globex 0'))),
  ];
  gate.resolve(undefined);
  await Promise.all([first, ...rest]);
  expect(done.slice(0, 6)).toEqual(['flood 0', 'acme 0', 'globex 0', 'flood 1', 'acme 1', 'flood 2']);
  expect(done).toHaveLength(1_003);
});

test('as many run side by side as may, and one that fails gives its turn back', async () => {
  const turns = new FairTurns(2);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<undefined>());
  const begun: number[] = [];
  const all = gates.map(({ promise }, index) =>
    turns.run('acme', () => {
      begun.push(index);
      return promise;
    }),
  );
  await settle();
  expect(begun).toEqual([0, 1]);
  gates[0]?.reject(new Error('it broke'));
  await expect(all[0]).rejects.toThrow('it broke');
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve(undefined);
  await Promise.all(all.slice(1));
  expect(begun).toEqual([0, 1, 2, 3]);
});
