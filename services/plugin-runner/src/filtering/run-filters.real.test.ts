import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FilterOutcome } from '@verifywise/contracts';
import { RunFilters } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const GRANTED = ['filters:add'];

/** A plugin that runs this in `onEnable`. */
const onEnable = (code: string, more = '') => `module.exports = { async onEnable(ctx) { ${code} }, ${more} };`;
/** A handler that adds a letter to the trace. */
const traces = (letter: string) => `(data) => ({ ...data, trace: data.trace + '${letter}' })`;

describe('filters over all plugins of a tenant', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let other: RunnerProcess;
  let failures: HeardFailure[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ FILTER_LIMIT_MS: '300' });
    other = await room.startRunner({ FILTER_LIMIT_MS: '300' });
    await room.balanced();
    failures = await heardFailures(room.broker);
  });
  afterAll(() => room.close());

  const tenantOf = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;
  const enabled = (tenant: string, id: string, code: string, more: { granted?: string[]; version?: string } = {}) =>
    room.enabled({ tenant, id, code, granted: GRANTED, ...more });
  const run = (
    tenant: string,
    data: Record<string, unknown> = { trace: '' },
    filter = 'risk:before_save',
  ): Promise<FilterOutcome> => room.broker.ask(RunFilters, { tenant, payload: { filter, data } });
  const processes = async (tenant: string) =>
    (await Promise.all([runner, other].map((one) => one.isolates())))
      .flat()
      .filter((isolate) => isolate.tenant === tenant && isolate.pid !== null);

  test('a filter that nobody listens to answers what it was given, without any isolate', async () => {
    const tenant = tenantOf('nobody');
    expect(await run(tenant, { risk: { id: 1 } })).toEqual({ data: { risk: { id: 1 } }, applied: 0, errors: [] });
    expect(await processes(tenant)).toEqual([]);
  });

  test('priorities order the handlers of all plugins, then who was enabled first, then who was added first', async () => {
    const tenant = tenantOf('order');
    const add = (letter: string, priority?: number) =>
      `ctx.addFilter('risk:before_save', ${traces(letter)}${priority === undefined ? '' : `, ${priority}`});`;
    await enabled(tenant, 'zebra', onEnable(add('d') + add('e') + add('a', 1) + add('h', 30)));
    await enabled(tenant, 'ape', onEnable(add('f') + add('b', 5) + add('g', 20) + add('c', 5)));
    expect(await run(tenant)).toEqual({ data: { trace: 'abcdefgh' }, applied: 8, errors: [] });
  });

  test('filterHandlers() count, and each tenant has its own version', async () => {
    const [one, two] = [tenantOf('one'), tenantOf('two')];
    const says = (version: string) =>
      onEnable(
        '',
        `filterHandlers: () => ({ 'risk:before_save': (data, ctx) => ({ ...data, by: ctx.tenant + '@${version}' }) })`,
      );
    await enabled(one, 'scorer', says('1.0.0'), { version: '1.0.0' });
    await enabled(two, 'scorer', says('2.0.0'), { version: '2.0.0' });
    await enabled(two, 'tracer', onEnable(`ctx.addFilter('risk:before_save', ${traces('x')})`));
    expect((await run(one)).data).toEqual({ trace: '', by: `${one}@1.0.0` });
    expect((await run(two)).data).toEqual({ trace: 'x', by: `${two}@2.0.0` });
  });

  test('the payload has no say in whose plugins run', async () => {
    const [mine, theirs] = [tenantOf('mine'), tenantOf('theirs')];
    await enabled(mine, 'tracer', onEnable(`ctx.addFilter('risk:before_save', ${traces('m')})`));
    const payload = { filter: 'risk:before_save', data: { trace: '' }, tenant: mine };
    expect((await room.broker.ask(RunFilters, { tenant: theirs, payload })).data).toEqual({ trace: '' });
    for (const wrong of [{}, { filter: 'x' }, { filter: 'x', data: [] }, { filter: 1, data: {} }]) {
      const asked = room.broker.ask(RunFilters, { tenant: mine, payload: wrong as never });
      await expect(asked).rejects.toMatchObject({ code: 'FILTER_INVALID' });
    }
  });

  test('handlers that throw, answer nothing or are late are left out, and the others go on', async () => {
    const tenant = tenantOf('failing');
    const add = (handler: string, priority: number) => `ctx.addFilter('risk:before_save', ${handler}, ${priority});`;
    await enabled(
      tenant,
      'broken',
      onEnable(
        add(`(data) => { data.trace = 'spoilt'; throw new Error('no luck'); }`, 1) +
          add(`() => undefined`, 2) +
          add(`(data) => new Promise((resolve) => setTimeout(resolve, 5_000, data))`, 3) +
          add(`() => ({ call() {} })`, 4) +
          add(traces('b'), 5),
      ),
    );
    await enabled(tenant, 'sound', onEnable(`ctx.addFilter('risk:before_save', ${traces('s')}, 2)`));
    const { data, applied, errors } = await run(tenant);
    expect({ data, applied }).toEqual({ data: { trace: 'sb' }, applied: 2 });
    expect(errors.map(({ pluginId }) => pluginId)).toEqual(['broken', 'broken', 'broken', 'broken']);
    expect(errors.map(({ message }) => message).join('\n')).toMatch(
      /no luck[^]*undefined[^]*did not finish within 300 ms[^]*cloned/,
    );
    expect(failures.filter((failure) => failure.tenant === tenant)).toEqual([]);
  });

  test.each([
    ['crashes', `setTimeout(() => { throw new Error('crash'); }); return new Promise(() => undefined);`],
    ['loops', 'for (;;);'],
  ])('a plugin that %s in the middle hurts only itself, and the last good value comes out', async (_what, code) => {
    const tenant = tenantOf('crash');
    await enabled(tenant, 'first', onEnable(`ctx.addFilter('risk:before_save', ${traces('1')})`));
    await enabled(
      tenant,
      'second',
      onEnable(
        `ctx.addFilter('risk:before_save', ${traces('2')}); ctx.addFilter('risk:before_save', () => { ${code} })`,
      ),
    );
    await enabled(tenant, 'third', onEnable(`ctx.addFilter('risk:before_save', ${traces('3')})`));
    const { data, errors } = await run(tenant);
    expect(data).toEqual({ trace: '13' });
    expect(errors).toEqual([{ pluginId: 'second', message: expect.any(String) }]);
    await eventually(() => expect(failures.filter((failure) => failure.tenant === tenant)).toHaveLength(1));
    const again = await run(tenant);
    expect(again.data).toEqual({ trace: '13' });
  });

  test('a plugin that applies a filter gets what all plugins make of it', async () => {
    const tenant = tenantOf('applies');
    const applying = `
      let context;
      module.exports = {
        async onEnable(ctx) {
          context = ctx;
          ctx.addFilter('own:filter', ${traces('o')});
          ctx.inEnable = await ctx.applyFilters('own:filter', { trace: '' });
          ctx.addFilter('risk:before_save', (data) => ctx.applyFilters('own:filter', data));
        },
        routes(router) {
          router.get('/apply', async (req, res) => {
            const wrong = await ctx_error(() => context.applyFilters('own:filter', { f() {} }));
            res.json({ applied: await context.applyFilters('own:filter', { trace: '' }), inEnable: context.inEnable, wrong });
          });
        },
      };
      const ctx_error = (act) => act().then(() => null, (error) => error.code);`;
    await enabled(tenant, 'listener', onEnable(`ctx.addFilter('own:filter', ${traces('l')}, 20)`));
    await enabled(tenant, 'applier', applying);
    expect(await run(tenant)).toEqual({ data: { trace: 'ol' }, applied: 1, errors: [] });
    const { body } = await runner.get(tenant, '/api/plugins/applier/apply');
    expect(body).toEqual({ applied: { trace: 'ol' }, inEnable: { trace: 'l' }, wrong: 'FILTER_INVALID' });
  });

  test('a filter that applies itself comes to an end, also over two plugins, and also when it hides', async () => {
    const tenant = tenantOf('circle');
    const circle = (filter: string, applies: string) => `ctx.addFilter('${filter}', async (data) => {
      const inner = await ctx.applyFilters('${applies}', { ...data, depth: data.depth + 1 });
      return { ...inner, back: (inner.back ?? 0) + 1 };
    });`;
    await enabled(tenant, 'ping', onEnable(circle('self', 'self') + circle('ping', 'pong')));
    await enabled(tenant, 'pong', onEnable(circle('pong', 'ping')));
    expect(await run(tenant, { depth: 0 }, 'self')).toEqual({ data: { depth: 2, back: 2 }, applied: 1, errors: [] });
    const { data } = await run(tenant, { depth: 0 }, 'ping');
    expect(data.depth).toBeLessThan(10);

    const hidden = `
      const { AsyncResource } = require('node:async_hooks');
      const outside = new AsyncResource('outside');
      ctx.addFilter('hidden', (data) => outside.runInAsyncScope(() => ctx.applyFilters('hidden', data)));`;
    await enabled(tenant, 'hides', onEnable(hidden));
    expect((await run(tenant, { n: 1 }, 'hidden')).data).toEqual({ n: 1 });
    expect((await run(tenant, { depth: 0 }, 'self')).data).toEqual({ depth: 2, back: 2 });
  });

  test('disabling a plugin and revoking its permission take its handlers out, at once', async () => {
    const tenant = tenantOf('leaves');
    const kept = await enabled(tenant, 'revoked', onEnable(`ctx.addFilter('risk:before_save', ${traces('r')})`));
    const gone = await enabled(tenant, 'disabled', onEnable(`ctx.addFilter('risk:before_save', ${traces('d')})`));
    expect((await run(tenant)).data).toEqual({ trace: 'rd' });
    await room.disable(gone);
    expect((await run(tenant)).data).toEqual({ trace: 'r' });
    await room.settle({ ...kept, granted: [], generation: room.nextGeneration() });
    await eventually(async () => expect((await run(tenant)).data).toEqual({ trace: '' }));
    await room.settle({ ...kept, generation: room.nextGeneration() });
    await eventually(async () => expect((await run(tenant)).data).toEqual({ trace: 'r' }));
  });

  test('what is added and removed while the plugin runs counts at once', async () => {
    const tenant = tenantOf('live');
    const code = `
      const handler = ${traces('x')};
      let context;
      module.exports = {
        onLoad(ctx) { context = ctx; },
        routes(router) {
          router.get('/add', (req, res) => { context.addFilter('risk:before_save', handler); res.json({}); });
          router.get('/remove', (req, res) => { context.removeFilter('risk:before_save', handler); res.json({}); });
        },
      };`;
    await enabled(tenant, 'live', code);
    await runner.get(tenant, '/api/plugins/live/add');
    await eventually(async () => expect((await run(tenant)).data).toEqual({ trace: 'x' }));
    await runner.get(tenant, '/api/plugins/live/remove');
    await eventually(async () => expect((await run(tenant)).data).toEqual({ trace: '' }));
  });

  test('data near the limit passes, more is left out', async () => {
    const tenant = tenantOf('large');
    await enabled(
      tenant,
      'grows',
      onEnable(`ctx.addFilter('risk:before_save', (data) => ({ text: data.text + data.text }))`),
    );
    const half = 'x'.repeat(2_600_000);
    const after = async (text: string) => {
      const { data, errors } = await run(tenant, { text });
      return { length: (data.text as string).length, errors };
    };
    // Not at the first try where a busy machine takes longer than the handler's limit to copy it.
    await eventually(async () => expect(await after(half)).toEqual({ length: 2 * half.length, errors: [] }));
    await eventually(async () =>
      expect(await after(half + half)).toEqual({
        length: 2 * half.length,
        errors: [{ pluginId: 'grows', message: expect.stringContaining('bytes') }],
      }),
    );
  });

  test('whichever runner holds a tenant is asked, and after its end the next one', async () => {
    const tenants = Array.from({ length: 8 }, (_, n) => tenantOf(`spread${n}`));
    for (const tenant of tenants)
      await enabled(tenant, 'tracer', onEnable(`ctx.addFilter('risk:before_save', ${traces('t')})`));
    expect((await Promise.all(tenants.map((tenant) => run(tenant)))).map(({ data }) => data)).toEqual(
      tenants.map(() => ({ trace: 't' })),
    );
    const heldHere = (await runner.isolates()).some(({ tenant }) => tenant === tenants[0]);
    await (heldHere ? runner : other).stop('SIGKILL');
    for (const tenant of tenants)
      await eventually(async () => expect((await run(tenant)).data).toEqual({ trace: 't' }));
  });
});

describe('filters of sleeping plugins', () => {
  test('wake them, and one that does not come up is left out', async () => {
    const room = await RunnerRoom.open();
    try {
      const runner = await room.startRunner({ RUNNER_IDLE_STOP_MINUTES: '0.005' });
      const sleeping = async (id: string) =>
        (await runner.isolates()).find(({ pluginId }) => pluginId === id)?.pid === null;
      const plugin = { tenant: 'sleepy', granted: [...GRANTED, 'config:read'] };
      const code = onEnable(`
        if (ctx.config.get('broken', false)) throw new Error('does not come up');
        ctx.addFilter('risk:before_save', ${traces('w')});`);
      await room.enabled({ ...plugin, id: 'wakes', code });
      const broken = await room.enabled({ ...plugin, id: 'stays', code });
      await eventually(async () => expect([await sleeping('wakes'), await sleeping('stays')]).toEqual([true, true]));
      await room.settle({
        ...broken,
        config: { values: { broken: true }, secrets: {} },
        generation: room.nextGeneration(),
      });
      await eventually(async () => {
        const payload = { filter: 'risk:before_save', data: { trace: '' } };
        expect(await room.broker.ask(RunFilters, { tenant: 'sleepy', payload })).toEqual({
          data: { trace: 'w' },
          applied: 1,
          errors: [{ pluginId: 'stays', message: expect.any(String) }],
        });
      });
    } finally {
      await room.close();
    }
  });
});
