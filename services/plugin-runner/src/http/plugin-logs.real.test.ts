import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DeletePluginData } from '@verifywise/contracts';
import { randomUUID } from 'node:crypto';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';
import { secrets } from '../testing/runner-process.ts';
import { eventsOf } from '../testing/server-sent-events.ts';

interface Line {
  id: string;
  at: string;
  level: string;
  version: string;
  message: string;
  meta: unknown;
}

const SECRET = 'xoxb-very-secret-17';

/** Says in every way what its route is told to say. */
function talker(version: string): string {
  return `
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) {
    ctx.logger.info('enabled ${version}');
    ctx.on('risk:created', ({ riskId }) => { throw new Error('no risk ' + riskId); });
  },
  onDisable() { throw new Error('will not go'); },
  routes(router) {
    router.get('/say', (req, res) => {
      const { text } = req.query;
      context.logger.debug(text + ' debug');
      context.logger.warn(text + ' logger', { key: context.config.get('token'), error: new Error('cause') });
      console.log(text + ' console', context.config.get('token'));
      console.error(text + ' console error');
      process.stdout.write(text + ' stdout\\n');
      process.stderr.write(text + ' stderr ' + context.config.get('token') + '\\n');
      res.json({ said: true });
    });
    router.get('/count/:lines', (req, res) => {
      for (let line = 1; line <= Number(req.params.lines); line += 1) context.logger.info('line ' + line);
      res.json({ said: true });
    });
    router.get('/crash', () => setTimeout(() => { throw new Error('fell over'); }));
    router.get('/logs', (req, res) => res.json({ mine: true }));
  },
};`;
}

describe("a plugin's log", () => {
  let room: RunnerRoom;
  let runners: [RunnerProcess, RunnerProcess];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runners = [
      await room.startRunner({ PLUGIN_LOG_LINES: '100' }),
      await room.startRunner({ PLUGIN_LOG_LINES: '100' }),
    ];
    await enabled('acme', '1.0.0');
    await enabled('beta', '2.0.0');
  });
  afterAll(() => room.close());

  function enabled(tenant: string, version: string) {
    const token = secrets.seal(SECRET, { tenant, pluginId: 'talker', field: 'token' });
    return room.enabled({
      ...{ tenant, version, id: 'talker', code: talker(version), granted: ['events:listen', 'config:read'] },
      manifest: { config: { token: { type: 'string', secret: true } } },
      config: { values: {}, secrets: { token } },
    });
  }
  const say = (tenant: string, text: string) => runners[0].get(tenant, `/api/plugins/talker/say?text=${text}`);
  async function lines(tenant: string, query = '', runner = runners[0]): Promise<Line[]> {
    const { body } = await runner.get(tenant, `/api/plugins/talker/logs${query}`);
    return (body.data as { lines: Line[] }).lines;
  }

  test('has everything it says and what the platform says of it, and every runner shows the same', async () => {
    await say('acme', 'one');
    await room.emitRisk('acme', 5);
    const expected = ['one debug', 'one logger', 'one console error', 'one stdout'];
    await eventually(async () => {
      const messages = (await lines('acme')).map(({ message }) => message);
      expect(messages).toEqual(
        expect.arrayContaining([...expected, 'enabled 1.0.0', expect.stringContaining('no risk 5')]),
      );
      expect(messages).toContainEqual(expect.stringMatching(/^one stderr/));
    });
    const seen = await lines('acme');
    expect(await lines('acme', '', runners[1])).toEqual(seen);
    expect(seen.map(({ id }) => BigInt(id))).toEqual(
      seen.map(({ id }) => BigInt(id)).toSorted((a, b) => (a < b ? 1 : -1)),
    );
    expect(seen.find(({ message }) => message === 'one logger')).toMatchObject({
      ...{ level: 'warn', version: '1.0.0' },
      meta: { error: { message: 'cause', stack: expect.stringContaining('index.js') } },
    });
    expect(seen.find(({ message }) => message.includes('no risk 5'))).toMatchObject({
      level: 'error',
      meta: { eventId: expect.any(String), stack: expect.stringContaining('index.js') },
    });
  });

  test('shows no secret of its settings, however it was said', async () => {
    await say('acme', 'two');
    await eventually(async () => expect(await lines('acme', '?search=two+stderr')).toHaveLength(1));
    const all = JSON.stringify(await lines('acme', '?limit=500'));
    expect(all).toContain('two console ••••••••');
    expect(all).toContain('"key":"••••••••"');
    for (const seen of [all, ...runners.flatMap((runner) => runner.lines)]) expect(seen).not.toContain(SECRET);
  });

  test('is its tenant’s alone, and of an admin', async () => {
    await say('beta', 'ours');
    await eventually(async () => expect(await lines('beta', '?search=ours+logger')).toHaveLength(1));
    expect((await lines('beta')).every(({ version }) => version === '2.0.0')).toBe(true);
    expect(await lines('acme', '?search=OURS')).toEqual([]);
    for (const path of ['', '/stream']) {
      const missing = await runners[1].get('nobody', `/api/plugins/talker/logs${path}`);
      expect(missing).toMatchObject({ status: 404, body: { error: { code: 'PLUGIN_NOT_INSTALLED' } } });
      const viewer = await runners[0].fetch('acme', `/api/plugins/talker/logs${path}`, { role: 'Viewer' });
      expect(viewer.status).toBe(403);
      expect((await fetch(`${runners[0].url}/api/plugins/talker/logs${path}`)).status).toBe(401);
    }
  });

  test("the platform's path wins, and the plugin's own is reached below /_/", async () => {
    expect((await runners[0].get('acme', '/api/plugins/talker/_/logs')).body).toEqual({ mine: true });
    expect((await runners[1].get('acme', '/api/plugins/talker/logs')).body).toMatchObject({ success: true });
  });

  test('is read by level, words, time and in pages', async () => {
    await say('beta', 'three');
    await eventually(async () => expect(await lines('beta', '?search=three+stderr')).toHaveLength(1));
    expect((await lines('beta', '?level=error&search=three')).map(({ message }) => message)).toEqual([
      'three console error',
    ]);
    const all = await lines('beta', '?limit=500');
    const paged: Line[] = [];
    let path: string | null = '/api/plugins/talker/logs?limit=3';
    for (let pages = 0; path !== null; pages += 1) {
      expect(pages).toBeLessThan(100);
      const { lines: some, next } = (await runners[pages % 2 === 0 ? 0 : 1].get('beta', path)).body.data as {
        lines: Line[];
        next: string | null;
      };
      paged.push(...some);
      path = next === null ? null : `/api/plugins/talker/logs?limit=3&before=${next}`;
    }
    expect(paged).toEqual(all);
    const middle = all[4] as Line;
    expect(await lines('beta', `?after=${middle.id}`)).toEqual(all.slice(0, 4));
    expect(await lines('beta', '?since=2100-01-01T00:00:00Z')).toEqual([]);
    expect((await lines('beta', `?since=${middle.at}`)).length).toBeGreaterThanOrEqual(5);
    for (const wrong of ['level=loud', 'limit=501', 'limit=0', 'before=x', 'since=yesterday']) {
      expect((await runners[0].get('beta', `/api/plugins/talker/logs?${wrong}`)).status).toBe(400);
    }
  });

  test('is followed live on any runner, and gone on with where it was left', async () => {
    const [first, second] = runners;
    const watched = [
      await eventsOf(await first.fetch('acme', '/api/plugins/talker/logs/stream?search=four')),
      await eventsOf(
        await second.fetch('acme', '/api/plugins/talker/logs?search=four', {
          headers: { accept: 'text/event-stream' },
        }),
      ),
      await eventsOf(await second.fetch('beta', '/api/plugins/talker/logs/stream?search=four')),
    ] as const;
    await say('acme', 'four');
    for (const stream of watched.slice(0, 2)) {
      await eventually(() => expect(stream.events.filter(({ event }) => event === 'line')).toHaveLength(6));
    }
    const [seen, , other] = watched;
    expect(watched[1].events).toEqual(seen.events);
    expect(other.events).toEqual([]);
    for (const stream of watched) await stream.close();
    const half = seen.events[2]?.id as string;
    const again = await eventsOf(
      await first.fetch('acme', '/api/plugins/talker/logs/stream?search=four', { headers: { 'last-event-id': half } }),
    );
    await eventually(() => expect(again.events).toEqual(seen.events.slice(3)));
    await again.close();
  });

  test('is watched by a bounded number of readers of a tenant, and by the next one when one has gone', async () => {
    const path = '/api/plugins/talker/logs/stream';
    const watching = await Promise.all(
      Array.from({ length: 20 }, async () => eventsOf(await runners[0].fetch('acme', path))),
    );
    expect(await runners[0].get('acme', path)).toMatchObject({
      status: 429,
      body: { error: { code: 'RATE_LIMITED' } },
    });
    await (await eventsOf(await runners[0].fetch('beta', path))).close();
    for (const stream of watching) await stream.close();
    await eventually(async () => (await eventsOf(await runners[0].fetch('acme', path))).close());
  });

  test('says how much of it is missing when the plugin says more than is kept', async () => {
    await enabled('noisy', '1.0.0');
    await runners[0].get('noisy', '/api/plugins/talker/count/3000');
    await eventually(async () => {
      const [missing] = await lines('noisy', '?search=left+out');
      expect(missing).toMatchObject({
        level: 'warn',
        message: expect.stringMatching(/^\d+ lines of the plugin's log/),
      });
    });
  });

  test('keeps the newest lines of a plugin, and takes nothing from another', async () => {
    const before = await lines('beta', '?limit=500');
    for (let round = 0; round < 4; round += 1) await runners[0].get('acme', '/api/plugins/talker/count/110');
    await eventually(async () => {
      const kept = await lines('acme', '?limit=500');
      expect(kept[0]?.message).toBe('line 110');
      expect(kept.length).toBeGreaterThanOrEqual(100);
      expect(kept.length).toBeLessThanOrEqual(110);
    });
    expect(await lines('beta', '?limit=500')).toEqual(before);
  });

  test('says why the plugin was ended, and why a hook failed', async () => {
    const installation = await enabled('gamma', '3.0.0');
    await room.disable(installation).catch(() => undefined);
    await eventually(async () => {
      const [failed] = await lines('gamma', '?search=onDisable');
      expect(failed).toMatchObject({ level: 'error', meta: { stack: expect.stringContaining('index.js') } });
    });
    await room.settle({ ...installation, generation: room.nextGeneration() });
    await eventually(async () =>
      expect((await runners[0].get('gamma', '/api/plugins/talker/_/logs')).status).toBe(200),
    );
    void runners[0].get('gamma', '/api/plugins/talker/crash').catch(() => undefined);
    await eventually(async () => {
      const [crash] = await lines('gamma', '?search=fell+over&level=error');
      expect(crash).toMatchObject({ version: '3.0.0', meta: { reason: 'unhandled' } });
    });
    // Below its error budget the installer leaves it enabled, under a new generation.
    await room.settle({ ...installation, generation: room.nextGeneration() });
    await eventually(async () =>
      expect((await runners[0].get('gamma', '/api/plugins/talker/_/logs')).status).toBe(200),
    );
  });

  test('stays when the plugin is uninstalled, and goes with its data', async () => {
    const installation = await enabled('delta', '1.0.0');
    await say('delta', 'five');
    await eventually(async () => expect(await lines('delta', '?search=five+stderr')).toHaveLength(1));
    await room.stepDone(installation, 'onUnload', { state: 'uninstalling', desired: 'absent' });
    await room.forget(installation);
    expect(await lines('delta', '?search=five+stderr')).toHaveLength(1);
    const payload = { pluginId: 'talker', stepId: randomUUID(), operationId: randomUUID() };
    await room.broker.sendAndWait(DeletePluginData, { tenant: 'delta', payload }, { deadlineMs: 10_000 });
    await eventually(async () => expect((await runners[1].get('delta', '/api/plugins/talker/logs')).status).toBe(404));
    expect(await lines('beta', '?search=ours+logger')).toHaveLength(1);
  });

  test('is whole when its runner is stopped, and those who watch are let go at once', async () => {
    const [first, second] = runners;
    const hosts = (await first.isolates()).some(({ tenant }) => tenant === 'beta');
    const [stopped, other] = hosts ? [first, second] : [second, first];
    const watching = await eventsOf(await stopped.fetch('beta', '/api/plugins/talker/logs/stream'));
    await say('beta', 'six');
    const began = performance.now();
    expect(await stopped.stop('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    await watching.ended;
    expect(await lines('beta', '?search=six', other)).toHaveLength(6);
  });
});
