import { describe, expect, jest, test } from '@jest/globals';
import { PlatformError, emptySurface } from '@verifywise/contracts';
import type { FilterAnswer, FilterCall } from '../isolate/protocol.ts';
import { createApplyFilters } from './apply-filters.ts';
import type { FilteringHosting, RunFilters } from './run-filters.ts';
import { createRunFilters } from './run-filters.ts';

interface FakePlugin {
  granted?: string[];
  filter?: (call: FilterCall) => unknown;
  wake?: () => Promise<never>;
}

const lets = ({ data, handlers }: FilterCall): FilterAnswer => ({ data, applied: handlers.length, errors: [] });

/** A tenant's plugins, each with one handler for `f`. */
function hostingOf(plugins: Record<string, FakePlugin>) {
  const woken: string[] = [];
  const logged: string[] = [];
  const surface = { ...emptySurface, filters: [{ id: 1, name: 'f', priority: 10 }] };
  const hosting: FilteringHosting = {
    enabledPlugins: () =>
      Object.entries(plugins).map(([pluginId, { granted = ['filters:add'] }]) => {
        return { pluginId, surface, granted: granted as never };
      }),
    enabledPlugin: (_tenant, pluginId) => {
      woken.push(pluginId);
      const { filter = lets, wake } = plugins[pluginId] as FakePlugin;
      if (wake) return wake();
      return Promise.resolve({
        ...{ pluginId, surface },
        calls: { filter: (call: FilterCall) => Promise.resolve(filter(call) as FilterAnswer) },
        log: (_level: string, message: string) => void logged.push(`${pluginId}: ${message}`),
      });
    },
  };
  return { hosting, woken, logged };
}

const run = (hosting: FilteringHosting, deadlineMs = 5_000) =>
  createRunFilters(hosting, 1_000)('acme', { filter: 'f', data: { n: 1 } }, { deadlineMs });

describe('running a filter', () => {
  test('wakes nobody whose permission was taken away', async () => {
    const { hosting, woken } = hostingOf({ a: { granted: [] }, b: {} });
    expect((await run(hosting)).applied).toBe(1);
    expect(woken).toEqual(['b']);
  });

  const circle: Record<string, unknown> = {};
  circle.own = circle;
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no data', { applied: 1, errors: [] }],
    ['a list as data', { data: [], applied: 1, errors: [] }],
    ['no count', { data: {}, applied: 'all', errors: [] }],
    ['errors without a message', { data: {}, applied: 1, errors: [{}] }],
    ['what JSON cannot say', { data: { big: 1n }, applied: 1, errors: [] }],
    ['a circle', { data: circle, applied: 1, errors: [] }],
    ['too much', { data: { text: 'x'.repeat(6_000_000) }, applied: 1, errors: [] }],
  ])('a process that answers %s is left out', async (_what, answer) => {
    const { hosting, logged } = hostingOf({ odd: { filter: () => answer }, sound: {} });
    const outcome = await run(hosting);
    expect(outcome).toEqual({ data: { n: 1 }, applied: 1, errors: [{ pluginId: 'odd', message: expect.any(String) }] });
    expect(logged).toEqual([expect.stringContaining('odd: A handler of the filter f was left out')]);
  });

  test('a tenant that has moved is for the asker to ask again', async () => {
    const moved = new PlatformError('NOT_THE_OWNER', 'moved');
    const asleep = hostingOf({ a: { wake: () => Promise.reject(moved) } });
    await expect(run(asleep.hosting)).rejects.toBe(moved);
    const running = hostingOf({
      a: {
        filter: () => {
          throw moved;
        },
      },
    });
    await expect(run(running.hosting)).rejects.toBe(moved);
  });

  test('a plugin that cannot be woken is left out, and so is all for which no time is left', async () => {
    const failing = hostingOf({ a: { wake: () => Promise.reject(new Error('broken')) }, b: {} });
    expect(await run(failing.hosting)).toMatchObject({ applied: 1, errors: [{ pluginId: 'a', message: 'broken' }] });
    const never = hostingOf({ a: { wake: () => new Promise(() => undefined) }, b: {} });
    expect(await run(never.hosting, 150)).toMatchObject({
      data: { n: 1 },
      applied: 0,
      errors: [
        { pluginId: 'a', message: expect.stringContaining('did not start') },
        { pluginId: 'b', message: 'No time was left for it' },
      ],
    });
  });
});

describe('applying a filter from a plugin', () => {
  const plugin = { tenant: 'acme', pluginId: 'applier', stage: 'enabled' };
  const apply = (runFilters: RunFilters) => createApplyFilters(runFilters);
  const echo: RunFilters = (_tenant, { data }) => Promise.resolve({ data, applied: 0, errors: [] });

  test('inside of itself three times, or of ten others, is refused', async () => {
    const applied = apply(echo);
    expect(await applied(plugin, 'f', { n: 1 }, ['f', 'f', 'g'])).toEqual({ n: 1 });
    const refused = { code: 'FILTER_INVALID', message: expect.stringContaining('again and again') };
    await expect(applied(plugin, 'f', {}, ['f', 'g', 'f', 'f'])).rejects.toMatchObject(refused);
    const others = Array.from({ length: 10 }, (_, n) => `g${n}`);
    await expect(applied(plugin, 'f', {}, others)).rejects.toMatchObject(refused);
  });

  test('believes nothing of what a process says about where it is', async () => {
    const asked = jest.fn(echo);
    for (const within of [undefined, 5, [1, {}]] as never[]) await apply(asked)(plugin, 'f', {}, within);
    expect(asked.mock.calls.map(([, , { within }]) => within)).toEqual([[], [], []]);
    await expect(apply(echo)(plugin, 5 as never, {}, [])).rejects.toMatchObject({ code: 'FILTER_INVALID' });
    await expect(apply(echo)(plugin, 'f', [] as never, [])).rejects.toMatchObject({ code: 'FILTER_INVALID' });
  });

  test('a plugin that is being started is not asked itself', async () => {
    const asked = jest.fn(echo);
    await apply(asked)({ ...plugin, stage: 'loaded' }, 'f', {}, []);
    await apply(asked)(plugin, 'f', {}, []);
    expect(asked.mock.calls.map(([, , { without }]) => without)).toEqual(['applier', undefined]);
  });

  test('a thousand at once are all a plugin may have, and they count down again', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const applied = apply(async (...asked) => {
      await held;
      return echo(...asked);
    });
    const many = Array.from({ length: 1_000 }, () => applied(plugin, 'f', {}, []));
    await expect(applied(plugin, 'f', {}, [])).rejects.toMatchObject({ code: 'BUSY' });
    const neighbour = applied({ ...plugin, pluginId: 'neighbour' }, 'f', {}, []);
    release();
    await Promise.all([...many, neighbour]);
    expect(await applied(plugin, 'f', { n: 2 }, [])).toEqual({ n: 2 });
  });
});
