import { expect, test } from '@jest/globals';
import { OneAtATime } from './one-at-a-time.ts';

test('what is asked for while it runs runs once more afterwards, however often it was asked for', async () => {
  let runs = 0;
  const first = Promise.withResolvers<undefined>();
  const rounds = new OneAtATime(
    async () => {
      runs += 1;
      if (runs === 1) await first.promise;
    },
    () => undefined,
  );
  for (let asked = 0; asked < 5; asked += 1) rounds.run();
  expect(runs).toBe(1);
  rounds.run();
  first.resolve(undefined);
  await first.promise;
  await new Promise(setImmediate);
  expect(runs).toBe(2);
});

test('a failure is told and does not stop the next', async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const rounds = new OneAtATime(
    () => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('first')) : Promise.resolve();
    },
    (error) => failures.push(error),
  );
  rounds.run();
  await new Promise(setImmediate);
  rounds.run();
  await rounds.close();
  expect(failures).toEqual([new Error('first')]);
  expect(runs).toBe(2);
});

test('closing waits for what runs and lets nothing new begin', async () => {
  let runs = 0;
  const end = Promise.withResolvers<undefined>();
  const rounds = new OneAtATime(
    async () => {
      runs += 1;
      await end.promise;
    },
    () => undefined,
  );
  rounds.run();
  rounds.run();
  const closed = rounds.close();
  rounds.run();
  end.resolve(undefined);
  await closed;
  expect(runs).toBe(1);
});
