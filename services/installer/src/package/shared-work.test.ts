import { expect, test } from '@jest/globals';
import { SharedWork } from './shared-work.ts';

const never = new AbortController().signal;

/** Work that ends when the test says so, and knows whether it was called off. */
function slowWork() {
  const done = Promise.withResolvers<string>();
  const begun: AbortSignal[] = [];
  const begin = (signal: AbortSignal) => {
    begun.push(signal);
    return done.promise;
  };
  return { ...done, begun, begin };
}

test('several who want the same wait for one piece of work', async () => {
  const shared = new SharedWork<string>();
  const { begin, begun, resolve } = slowWork();
  const all = Array.from({ length: 100 }, () => shared.join('x', never, begin));
  resolve('done');
  expect(new Set(await Promise.all(all))).toEqual(new Set(['done']));
  expect(begun).toHaveLength(1);
});

test('who wants it after it is done begins anew, and so does who wants something else', async () => {
  const shared = new SharedWork<string>();
  const { begin, begun, resolve } = slowWork();
  resolve('done');
  await shared.join('x', never, begin);
  await shared.join('x', never, begin);
  await shared.join('y', never, begin);
  expect(begun).toHaveLength(3);
});

test('the first may leave: the work goes on for those who wait', async () => {
  const shared = new SharedWork<string>();
  const { begin, begun, resolve } = slowWork();
  const leaving = new AbortController();
  const first = shared.join('x', leaving.signal, begin);
  const second = shared.join('x', never, begin);
  leaving.abort(new Error('left'));
  await expect(first).rejects.toThrow('left');
  expect(begun[0]?.aborted).toBe(false);
  resolve('done');
  expect(await second).toBe('done');
});

test('when the last has left the work is called off, and who comes then begins anew', async () => {
  const shared = new SharedWork<string>();
  const { begin, begun, reject } = slowWork();
  const leaving = new AbortController();
  const only = shared.join('x', leaving.signal, begin);
  leaving.abort(new Error('left'));
  await expect(only).rejects.toThrow('left');
  expect(begun[0]?.aborted).toBe(true);
  const next = shared.join('x', never, () => Promise.resolve('anew'));
  reject(new Error('called off'));
  expect(await next).toBe('anew');
});

test('a failure is everybody’s, and the next one tries again', async () => {
  const shared = new SharedWork<string>();
  const { begin, reject } = slowWork();
  const both = Promise.allSettled([shared.join('x', never, begin), shared.join('x', never, begin)]);
  reject(new Error('broken'));
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await shared.join('x', never, () => Promise.resolve('well'))).toBe('well');
});
