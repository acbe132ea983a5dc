import { types } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { PluginFilters } from './plugin-filters.ts';
import type { FilterCall } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

type Handler = (data: Record<string, unknown>) => unknown;

const context = { pluginId: 'p' } as never;

function filtersWith(...handlers: Handler[]): PluginFilters {
  const filters = new PluginFilters();
  for (const handler of handlers) filters.add('risk:before_save', handler as never);
  return filters;
}

function run(filters: PluginFilters, data: Record<string, unknown> = {}, call: Partial<FilterCall> = {}) {
  const handlers = filters.entries().map(({ id }) => id);
  const whole = {
    filter: 'risk:before_save',
    handlers,
    data,
    limitMs: 10_000,
    deadlineMs: 10_000,
    within: [],
    ...call,
  };
  return filters.run(whole, context);
}

describe("a plugin's filter handlers", () => {
  test('get what the one before has returned, in the order the runner says', async () => {
    const filters = filtersWith(
      ({ n }) => ({ n: `${String(n)}a` }),
      ({ n }) => Promise.resolve({ n: `${String(n)}b` }),
    );
    expect(await run(filters, { n: '' })).toEqual({ data: { n: 'ab' }, applied: 2, errors: [] });
    const [first, second] = filters.entries().map(({ id }) => id) as [number, number];
    expect((await run(filters, { n: '' }, { handlers: [second, first, 99] })).data).toEqual({ n: 'ba' });
  });

  test('are known by priority, ten by default; adding one again moves it', () => {
    const changed = jest.fn();
    const filters = new PluginFilters();
    filters.whenChanged(changed);
    const handler = ((data: never) => data) as never;
    filters.add('a', handler);
    filters.add('b', handler, 1);
    filters.add('a', handler, -0.5);
    filters.add('a', handler, -0.5);
    expect(filters.entries()).toEqual([
      { id: 1, name: 'a', priority: -0.5 },
      { id: 2, name: 'b', priority: 1 },
    ]);
    expect(changed).toHaveBeenCalledTimes(3);
    filters.remove('b', handler);
    filters.remove('b', handler);
    expect(filters.entries()).toHaveLength(1);
    expect(changed).toHaveBeenCalledTimes(4);
    filters.clear();
    expect(filters.entries()).toEqual([]);
  });

  test.each<[string, Handler, string]>([
    [
      'throws',
      () => {
        throw new Error('no luck');
      },
      'no luck',
    ],
    ['rejects with something odd', () => Promise.reject(Object.create(null) as Error), 'null prototype'],
    ['returns nothing', () => undefined, 'undefined'],
    ['returns null', () => null, 'no object'],
    ['returns a list', () => [], 'no object'],
    ['returns a map', () => new Map(), 'no plain object'],
    ['returns a function', () => ({ f: () => 1 }), 'could not be cloned'],
    ['returns what JSON cannot say', () => ({ big: 1n }), 'BigInt'],
    [
      'returns a circle',
      () => {
        const circle: Record<string, unknown> = {};
        circle.own = circle;
        return circle;
      },
      'circular',
    ],
    ['returns too much', () => ({ text: 'x'.repeat(5 * 1024 * 1024) }), 'bytes'],
  ])('one that %s is left out, and the value before it goes on', async (_what, handler, message) => {
    const spoiling: Handler = (data) => {
      (data.risk as Record<string, unknown>).title = 'spoilt';
      return handler(data);
    };
    const filters = filtersWith(
      ({ risk }) => ({ risk: { ...(risk as object), first: true } }),
      spoiling,
      ({ risk }) => ({ risk: { ...(risk as object), last: true } }),
    );
    const { data, applied, errors } = await run(filters, { risk: { title: 'A' } });
    expect({ data, applied }).toEqual({ data: { risk: { title: 'A', first: true, last: true } }, applied: 2 });
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })]);
  });

  test('one that is late is left out, and what it answers later counts no more', async () => {
    const late: { answer?: (data: unknown) => void } = {};
    const filters = filtersWith(
      (data) =>
        new Promise(
          (resolve) =>
            (late.answer = () => {
              data.n = 'late';
              resolve(data);
            }),
        ),
      ({ n }) => {
        late.answer?.({});
        return { n: `${String(n)}+` };
      },
    );
    const { data, errors } = await run(filters, { n: 'in time' }, { limitMs: 20 });
    expect(data).toEqual({ n: 'in time+' });
    expect(errors).toEqual([expect.objectContaining({ code: 'HANDLER_TIMED_OUT' })]);
  });

  test('those that have no time left are left out', async () => {
    const filters = filtersWith(
      () => new Promise(() => undefined),
      () => new Promise(() => undefined),
    );
    const { data, errors } = await run(filters, { n: 1 }, { limitMs: 10_000, deadlineMs: 20 });
    expect(data).toEqual({ n: 1 });
    expect(errors).toHaveLength(2);
  });

  test('a date stays a date between plugins', async () => {
    const filters = filtersWith(({ at }) => ({ at, wasDate: types.isDate(at) }));
    const { data } = await run(filters, { at: new Date(0) });
    expect([types.isDate(data.at), data.wasDate]).toEqual([true, true]);
  });

  test.each<[string, unknown[]]>([
    ['without a name', [undefined, () => ({})]],
    ['with an empty name', [' ', () => ({})]],
    ['with an endless name', ['x'.repeat(201), () => ({})]],
    ['without a handler', ['a', undefined]],
    ['with a priority that is no number', ['a', () => ({}), 'first']],
    ['with a priority beyond numbers', ['a', () => ({}), NaN]],
  ])('one %s is refused', (_what, args) => {
    const add = new PluginFilters().add.bind(new PluginFilters()) as (...args: unknown[]) => void;
    expect(() => add(...args)).toThrow(expect.objectContaining({ code: 'FILTER_INVALID' }));
  });

  test('a filter applied inside of a handler says inside of which, whatever else runs', async () => {
    const asked: unknown[] = [];
    const channel = {
      ask: (...request: unknown[]) => {
        asked.push(request);
        return Promise.resolve(request[2]);
      },
    } as unknown as RunnerChannel;
    const filters = new PluginFilters();
    filters.add('risk:before_save', (async (data: Record<string, unknown>) => {
      await Promise.resolve();
      return filters.apply(channel, 'own', { ...data, inner: true });
    }) as never);
    expect((await run(filters, {}, { within: ['outer'] })).data).toEqual({ inner: true });
    await filters.apply(channel, 'own', { alone: true });
    expect(asked).toEqual([
      ['filters.apply', 'own', { inner: true }, ['outer', 'risk:before_save']],
      ['filters.apply', 'own', { alone: true }, []],
    ]);
    await expect(filters.apply(channel, 'own', { f: () => 1 })).rejects.toMatchObject({ code: 'FILTER_INVALID' });
    await expect(filters.apply(channel, 'own', [] as never)).rejects.toMatchObject({ code: 'FILTER_INVALID' });
  });
});
