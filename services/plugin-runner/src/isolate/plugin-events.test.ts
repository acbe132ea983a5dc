import { expect, test } from '@jest/globals';
import type { PluginContext } from '@verifywise/plugin-types';
import { PluginEvents } from './plugin-events.ts';

const context = {} as PluginContext;
const LIMIT_MS = 50;
const never = () => new Promise<never>(() => undefined);

/** Delivers as a runner does: what is left is asked for again, until nothing is. */
async function deliver(events: PluginEvents) {
  const answers = [await events.deliver({ event: 'e', payload: {}, limitMs: LIMIT_MS }, context)];
  for (let last = answers[0]; last && last.left.length > 0; last = answers.at(-1)) {
    answers.push(await events.deliver({ event: 'e', payload: {}, handlers: last.left, limitMs: LIMIT_MS }, context));
  }
  return answers;
}

test('a retry is what it was when it was asked for', async () => {
  const events = new PluginEvents();
  const retry: { attempts: number; backoff: unknown } = { attempts: 3, backoff: { type: 'fixed', delay: 10 } };
  const fails = () => {
    throw new Error('no');
  };
  events.add('e', fails, { retry: retry as never });
  retry.backoff = null;
  const [answer] = await deliver(events);
  expect(answer?.errors).toMatchObject([{ retry: { attempts: 3, backoff: { type: 'fixed', delay: 10 } } }]);
});

test('a handler that is late is named, is not called again, and keeps no other from the event', async () => {
  const events = new PluginEvents();
  const called: string[] = [];
  events.add(
    'e',
    async function hangs() {
      called.push('first');
      await never();
    },
    { retry: { attempts: 5, backoff: { type: 'fixed', delay: 1 } } },
  );
  events.add('e', () => {
    called.push('second');
    throw new Error('no');
  });
  events.add('e', () => void called.push('third'));
  const answers = await deliver(events);
  expect(called).toEqual(['first', 'second', 'third']);
  const errors = answers.flatMap((answer) => answer.errors);
  expect(errors.map(({ handler, message }) => [handler, message])).toEqual([
    [0, 'Handler 1 (hangs) did not finish within 0.05 s'],
    [1, 'no'],
  ]);
  expect(errors[0]).not.toHaveProperty('retry');
});

test('no answer takes longer than twice the limit of a handler, however many are late', async () => {
  const events = new PluginEvents();
  for (let number = 0; number < 4; number += 1) events.add('e', () => never());
  const answers = await deliver(events);
  expect(answers.map(({ errors, left }) => [errors.map(({ handler }) => handler), left])).toEqual([
    [[0], [1, 2, 3]],
    [[1], [2, 3]],
    [[2], [3]],
    [[3], []],
  ]);
});

test('an event that its runner has given up calls no handler beside the next one', async () => {
  const events = new PluginEvents();
  const called: unknown[] = [];
  const finish: (() => void)[] = [];
  events.add('e', () => new Promise<void>((resolve) => finish.push(resolve)));
  events.add('e', (payload: { id: number }) => void called.push(payload.id));
  const givenUp = events.deliver({ event: 'e', payload: { id: 1 }, limitMs: 60_000 }, context);
  const next = events.deliver({ event: 'e', payload: { id: 2 }, limitMs: 60_000 }, context);
  for (const resolve of finish) resolve();
  await Promise.all([givenUp, next]);
  expect(called).toEqual([2]);
});

test('the field that orders an event counts when all of its handlers name it, and whoever listens is told when that changes', () => {
  const events = new PluginEvents();
  let changes = 0;
  events.whenChanged(() => (changes += 1));
  const [one, another, third] = [() => undefined, () => undefined, () => undefined];
  events.add('risk:updated', one, { orderedBy: 'riskId' });
  events.add('risk:updated', another, { orderedBy: 'riskId' });
  expect([events.orderedBy(), changes]).toEqual([{ 'risk:updated': 'riskId' }, 1]);
  events.add('risk:updated', third);
  expect([events.orderedBy(), changes]).toEqual([{}, 2]);
  events.remove('risk:updated', third);
  expect([events.orderedBy(), changes]).toEqual([{ 'risk:updated': 'riskId' }, 3]);
});

test.each([[''], [7], ['a b'], [null]])('%j is no field to order events by', (orderedBy) => {
  const events = new PluginEvents();
  const add = () => events.add('risk:updated', () => undefined, { orderedBy: orderedBy as never });
  expect(add).toThrow(/orderedBy of a handler of risk:updated/);
  expect(events.names()).toEqual([]);
});

test('events that may be handled beside each other do not give each other up', async () => {
  const events = new PluginEvents();
  const heard: string[] = [];
  const hold: (() => void)[] = [];
  events.add('e', ({ id }: { id: string }) => new Promise<void>((done) => hold.push(() => done(void heard.push(id)))));
  events.add('e', ({ id }: { id: string }) => void heard.push(`${id} again`));
  const [one, two] = ['one', 'two'].map((id) =>
    events.deliver({ event: 'e', payload: { id }, limitMs: 10_000, beside: true }, context),
  );
  for (const done of hold) done();
  expect(await Promise.all([one, two])).toEqual([
    { errors: [], left: [] },
    { errors: [], left: [] },
  ]);
  expect(heard.sort()).toEqual(['one', 'one again', 'two', 'two again']);
});
