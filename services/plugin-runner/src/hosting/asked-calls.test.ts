import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import type { ToIsolate } from '../isolate/protocol.ts';
import type { AskedCall, Capabilities } from './asked-calls.ts';
import { AskedCalls } from './asked-calls.ts';

type Said = Extract<ToIsolate, { kind: 'answer' }>;

describe('what an isolate asks', () => {
  let said: Said[];
  let logged: string[];
  let rested: number;
  let unreadBytes: number;
  /** Answers the calls that are under way, in their order. */
  let underWay: (() => void)[];
  let asked: AskedCalls;
  beforeEach(() => {
    said = [];
    logged = [];
    rested = 0;
    unreadBytes = 0;
    underWay = [];
    const waits = () => new Promise((resolve) => underWay.push(() => resolve(null)));
    const capabilities = {
      'metadata.get': waits,
      'db.query': waits,
      'db.commit': waits,
      'filters.apply': waits,
      'events.emit': (what: string) => {
        if (what === 'function') return Promise.resolve(() => undefined);
        throw new PlatformError('EVENT_INVALID', what, { details: { what } });
      },
      'metadata.getAll': () =>
        Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' })),
      'plugins.isEnabled': () => Promise.reject(new Error('the database says no')),
    } as unknown as Capabilities;
    const pipe = {
      send: (message: ToIsolate) => void said.push(structuredClone(message) as Said),
      rest: () => void (rested += 1),
      get unreadBytes() {
        return unreadBytes;
      },
    };
    asked = new AskedCalls({ capabilities, pipe, log: (_level, message) => void logged.push(message) });
  });

  let id = 0;
  const ask = (call: string, request: unknown = [], bytes = 10) =>
    asked.take({ kind: 'call', id: (id += 1), call, request } as AskedCall, bytes);
  const times = (count: number, act: () => void) => Array.from({ length: count }, act);

  test('is done a few at a time, and all of it', async () => {
    times(1_000, () => ask('metadata.get'));
    expect(underWay).toHaveLength(16);
    for (let turns = 0; said.length < 1_000 && turns < 1_000; turns += 1) {
      for (const answer of underWay.splice(0)) answer();
      await turn();
      expect(underWay.length).toBeLessThanOrEqual(16);
    }
    expect(said).toHaveLength(1_000);
    expect(asked.count).toBe(0);
  });

  test('waits only for its own kind: what ends a transaction, and the handlers of a filter, never wait', () => {
    times(100, () => ask('db.query', ['SELECT 1', [], null]));
    expect(underWay).toHaveLength(16);
    ask('db.query', ['SELECT 1', [], 7]);
    ask('db.commit', [7, []]);
    ask('metadata.get');
    expect(underWay).toHaveLength(19);
    times(100, () => ask('filters.apply'));
    ask('metadata.get');
    expect(underWay).toHaveLength(120);
  });

  test('is refused at once when there is too much of it, by number or by bytes, and nothing is heard for a moment', () => {
    times(5_001, () => ask('metadata.get'));
    expect(said).toMatchObject([{ error: { code: 'BUSY' } }]);
    expect(rested).toBe(1);
  });

  test('one call may be as large as a message, two may not', () => {
    ask('metadata.get', [], 64 * 1024 * 1024);
    expect(said).toEqual([]);
    ask('metadata.get', [], 1);
    expect(said).toMatchObject([{ error: { code: 'BUSY' } }]);
  });

  test('is not begun while the answers before it are unread', async () => {
    unreadBytes = 17 * 1024 * 1024;
    ask('metadata.get');
    expect(underWay).toHaveLength(0);
    unreadBytes = 0;
    asked.advance();
    expect(underWay).toHaveLength(1);
    underWay[0]?.();
    await turn();
    expect(said).toHaveLength(1);
  });

  test('is not begun any more when its isolate has ended', async () => {
    times(20, () => ask('metadata.get'));
    asked.close();
    for (const answer of underWay.splice(0)) answer();
    await turn();
    expect(underWay).toEqual([]);
    expect(asked.count).toBe(0);
  });

  test('is answered in few words, however long the call, its error, and what else it says', async () => {
    ask('x'.repeat(1_000_000));
    ask('metadata.get', 'no list');
    ask('events.emit', ['\u0001'.repeat(1_000_000)]);
    await turn();
    expect(said.map(({ error }) => error?.code)).toEqual(['BAD_REQUEST', 'BAD_REQUEST', 'EVENT_INVALID']);
    for (const { error } of said) expect(JSON.stringify(error).length).toBeLessThan(60_000);
  });

  test('is told to try again when the database of the platform is away', async () => {
    ask('metadata.getAll');
    await turn();
    expect(said[0]?.error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('try again') });
    expect(JSON.stringify(said)).not.toContain('10.0.0.7');
  });

  test('has an answer also when the platform fails, or its answer cannot be handed over', async () => {
    ask('plugins.isEnabled', ['x']);
    ask('events.emit', ['function']);
    await turn();
    expect(said.map(({ error }) => error?.code)).toEqual(['INTERNAL', 'INTERNAL']);
    expect(JSON.stringify(said)).not.toContain('the database says no');
    expect(logged).toEqual(['The platform failed at plugins.isEnabled', 'The platform could not hand over an answer']);
  });
});
