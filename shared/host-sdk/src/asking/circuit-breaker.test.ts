import { expect, test } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.ts';

const LONG_MS = 60_000;

test('it opens after failures in a row, once and for this key only', () => {
  const opened: string[] = [];
  const breaker = new CircuitBreaker({ failures: 3, openMs: LONG_MS, opened: (key) => opened.push(key) });
  const tries: boolean[] = [];
  for (let n = 0; n < 4; n += 1) {
    tries.push(breaker.mayTry('acme'));
    breaker.failed('acme');
  }
  expect(tries).toEqual([true, true, true, false]);
  expect(breaker.mayTry('globex')).toBe(true);
  expect(opened).toEqual(['acme']);
});

test('a success in between begins to count anew', () => {
  const breaker = new CircuitBreaker({ failures: 2, openMs: LONG_MS });
  breaker.failed('acme');
  breaker.succeeded('acme');
  breaker.failed('acme');
  expect(breaker.mayTry('acme')).toBe(true);
});

test('when its time is over one may try, and only success lets all through again', () => {
  const breaker = new CircuitBreaker({ failures: 1, openMs: 0 });
  breaker.failed('acme');
  expect(breaker.mayTry('acme')).toBe(true);
  breaker.succeeded('acme');
  expect(breaker.mayTry('acme')).toBe(true);

  const slow = new CircuitBreaker({ failures: 1, openMs: LONG_MS });
  slow.failed('acme');
  expect([slow.mayTry('acme'), slow.mayTry('acme')]).toEqual([false, false]);
});
