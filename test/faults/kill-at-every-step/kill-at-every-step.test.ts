import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { databaseAt, type DatabaseView } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createSagas } from '../../../services/installer/src/installation/sagas.ts';
import type { SagaNeeds } from '../../../services/installer/src/installation/saga-needs.ts';
import { startTestPlatform, type TestPlatform } from '../../support/platform.ts';
import { BASE, BUNDLE, EXTRA, gatedPlugins, isBuiltin, registryFiles, SHIPPED, SURVIVOR } from './gated-plugins.ts';
import { Gate } from './gate.ts';
import { standsOf, type Stand } from './stand.ts';

/** Requests at the same time while tenants are made ready. */
const READY_AT_ONCE = 4;
/** A kill, a start, a lease that ends and an operation that goes on: seconds, on a machine that does nothing else. */
const GOES_ON_WITHIN = 300_000;
jest.setTimeout(1_800_000);

type Victim = 'installer' | 'plugin-runner';

interface Act {
  plugin: string;
  act: 'install' | 'enable' | 'disable' | 'update' | 'rollback' | 'uninstall';
  body?: Record<string, unknown>;
}

interface Story {
  name: string;
  before: Act[];
  act: Act;
  /** The point of a hook that is told to fail. */
  fails?: string;
}

const installed: Act[] = [
  { plugin: BASE, act: 'install' },
  { plugin: SURVIVOR, act: 'install', body: { version: '1.0.0' } },
];
const enabled: Act[] = [...installed, { plugin: BASE, act: 'enable' }, { plugin: SURVIVOR, act: 'enable' }];
/** The second version requires a setting, which comes with it. */
const update: Act = {
  ...{ plugin: SURVIVOR, act: 'update' },
  body: { withDependencies: true, config: { region: 'eu', token: 'secret' } },
};
const rollback: Act = { plugin: SURVIVOR, act: 'rollback', body: { config: { region: 'us', token: 'another' } } };
const updated: Act[] = [...enabled, update];
const alone: Act = { plugin: SHIPPED, act: 'install' };

const stories: Story[] = [
  {
    name: 'install with its dependencies',
    before: [],
    act: { plugin: SURVIVOR, act: 'install', body: { version: '1.0.0', withDependencies: true } },
  },
  { name: 'install that fails', before: [], act: alone, fails: 'hook onLoad of shipped 1.0.0 leaving' },
  {
    name: 'enable with its dependencies',
    before: installed,
    act: { plugin: SURVIVOR, act: 'enable', body: { withDependencies: true } },
  },
  {
    name: 'enable of what ships',
    before: [],
    act: { plugin: BUNDLE, act: 'enable', body: { withDependencies: true } },
  },
  {
    name: 'enable that fails',
    before: [alone],
    act: { plugin: SHIPPED, act: 'enable' },
    fails: 'hook onEnable of shipped 1.0.0 leaving',
  },
  { name: 'disable', before: [alone, { plugin: SHIPPED, act: 'enable' }], act: { plugin: SHIPPED, act: 'disable' } },
  {
    name: 'disable that fails',
    before: [alone, { plugin: SHIPPED, act: 'enable' }],
    act: { plugin: SHIPPED, act: 'disable' },
    fails: 'hook onDisable of shipped 1.0.0 leaving',
  },
  { name: 'update', before: enabled, act: update },
  {
    name: 'update that fails',
    before: enabled,
    act: update,
    fails: 'hook onEnable of survivor 2.0.0 leaving',
  },
  { name: 'rollback', before: updated, act: rollback },
  {
    name: 'rollback that fails',
    before: updated,
    act: rollback,
    fails: 'hook onEnable of survivor 1.0.0 leaving',
  },
  {
    name: 'uninstall with what depends on it',
    before: enabled,
    act: { plugin: BASE, act: 'uninstall', body: { cascade: true, deleteData: true } },
  },
  {
    name: 'uninstall that fails',
    before: [alone, { plugin: SHIPPED, act: 'enable' }],
    act: { plugin: SHIPPED, act: 'uninstall' },
    fails: 'hook onUninstall of shipped 1.0.0 leaving',
  },
];

let gate: Gate;
let platform: TestPlatform;
let database: DatabaseView;
let builtins: string;
let globex: unknown[];

beforeAll(async () => {
  gate = await Gate.start(registryFiles);
  builtins = await mkdtemp(join(tmpdir(), 'kill-builtins-'));
  for (const { id, version, bytes } of gatedPlugins(gate.url)) {
    if (isBuiltin({ id })) await writeFile(join(builtins, `${id}-${version}.zip`), bytes);
  }
  platform = await startTestPlatform({
    programs: { installer: 'test/faults/kill-at-every-step/gated-installer.ts' },
    settings: { HOOK_LIMIT_MS: '600000', INSTALL_HOOK_LIMIT_MS: '600000', ISOLATE_HANG_LIMIT_MS: '60000' },
    settingsOf: {
      installer: { GATE_URL: gate.url, OPERATION_LEASE_MS: '900', BUILTIN_PLUGINS_FOLDER: builtins },
      'registry-cache': {
        REGISTRIES: JSON.stringify([
          { name: 'gate', url: `${gate.url}/registry.json`, verified: true, local: true, allowedHosts: ['127.0.0.1'] },
        ]),
      },
      'plugin-runner': { PLUGIN_EGRESS_ALLOW: '127.0.0.1' },
    },
  });
  database = databaseAt(platform.backing.databaseUrl);
  for (const act of updated) await succeed('globex', act);
  globex = await rowsOf('globex');
});
afterAll(async () => {
  await platform.stop();
  await gate.stop();
  await rm(builtins, { recursive: true });
});

/** What each story comes by, and what it leaves, when nobody is killed. */
const undisturbed = new Map<string, { route: string[]; stand: Stand }>();

test('every operation leaves what it should when nothing happens to it, and every step of every operation is among them', async () => {
  const calm = stories.map((story) => ({ story, tenant: `calm-${slug(story)}` }));
  await makeReady(calm);
  for (const { story, tenant } of calm) gate.begin(tenant, { fails: story.fails });
  await Promise.all(calm.map(({ story, tenant }) => begin(tenant, story.act)));
  const stands = await ends(calm.map(({ tenant }) => tenant));
  const seen: string[] = [];
  for (const [index, { story, tenant }] of calm.entries()) {
    const passed = gate.passedBy(tenant);
    seen.push(...passed);
    const route = routeOf(passed, story.act);
    const stand = stands[index];
    if (stand === undefined) throw new Error(`${tenant} has no stand`);
    const expected = story.fails === undefined ? 'succeeded' : 'failed';
    expect([story.name, outcomeOf(stand, story.act)]).toEqual([story.name, expected]);
    undisturbed.set(story.name, { route, stand });
  }
  expect(stepsOf(allSagas()).filter((step) => !seen.some((point) => isOfStep(point, step)))).toEqual([]);
  await clean(calm.map(({ tenant }) => tenant));
});

test.each(['installer', 'plugin-runner'] as const)(
  'a %s killed at every point of every operation, one after the other',
  async (victim) => {
    const ways = stories.map((story) => ({ story, tenant: `${victim}-${slug(story)}` }));
    await makeReady(ways);
    for (const { story, tenant } of ways) {
      const { route } = knownOf(story);
      gate.begin(tenant, {
        route: victim === 'installer' ? route : route.filter(isSeenByTheRunner),
        fails: story.fails,
      });
    }
    const begun = ways.map(({ story, tenant }) => begin(tenant, story.act).catch(() => undefined));
    let kills = 0;
    for (let left = ways; left.length > 0; left = left.filter(({ tenant }) => gate.next(tenant) !== undefined)) {
      // Each kill before let everybody come exactly where they would have come without it.
      await allStand(left);
      await kill(victim);
      kills += 1;
      for (const { tenant } of left) gate.letGo(tenant);
    }
    await Promise.all(begun);
    await platform.ready(victim);
    expect(kills).toBe(Math.max(...ways.map(({ story }) => cutsOf(story, victim).length)));

    await endUndisturbed(ways);
    // The runner remembers what it has done: whoever asks again has no hook run again.
    for (const { story, tenant } of victim === 'installer' ? ways : []) {
      const { route } = knownOf(story);
      expect([tenant, hooksIn(gate.passedBy(tenant), route)]).toEqual([tenant, hooksIn(route, route)]);
    }
    await clean(ways.map(({ tenant }) => tenant));
  },
);

test('a plugin-runner killed inside onUnload of every operation that has one', async () => {
  const ways = stories.flatMap((story) =>
    knownOf(story)
      .route.filter((point) => point.startsWith('hook onUnload '))
      .map((point, at) => ({ story, point, tenant: `unload-${at}-${slug(story)}` })),
  );
  expect(new Set(ways.map(({ story }) => story.act.act))).toEqual(new Set(['update', 'rollback', 'uninstall']));
  await makeReady(ways);
  for (const { story, point, tenant } of ways) gate.begin(tenant, { route: [point], fails: story.fails });
  const begun = ways.map(({ story, tenant }) => begin(tenant, story.act).catch(() => undefined));
  // Nobody was killed before, so each has something to unload.
  await allStand(ways);
  await kill('plugin-runner');
  for (const { tenant } of ways) gate.letGo(tenant);
  await Promise.all(begun);
  await platform.ready('plugin-runner');
  await endUndisturbed(ways);
  await clean(ways.map(({ tenant }) => tenant));
});

interface Way {
  story: Story;
  tenant: string;
}

/** Resolves when each of them stands at the next point of its route. */
async function allStand(ways: Way[]): Promise<void> {
  const onTheWay = () => ways.filter(({ tenant }) => !gate.stands(tenant));
  await eventually(() => expect(onTheWay().map(({ tenant }) => [tenant, gate.next(tenant)])).toEqual([]), {
    within: GOES_ON_WITHIN,
  });
}

/** Each story has ended as it does when nobody is killed, and who had no part in any has noticed nothing. */
async function endUndisturbed(ways: Way[]): Promise<void> {
  const stands = await ends(ways.map(({ tenant }) => tenant));
  for (const [index, { story }] of ways.entries()) {
    expect({ story: story.name, ...stands[index] }).toEqual({ story: story.name, ...knownOf(story).stand });
  }
  expect(await rowsOf('globex')).toEqual(globex);
  await eventually(async () => expect(await versionAt('globex', SURVIVOR)).toBe('2.0.0'));
}

function cutsOf(story: Story, victim: Victim): string[] {
  const { route } = knownOf(story);
  return victim === 'installer' ? route : route.filter(isSeenByTheRunner);
}

function knownOf({ name }: Story): { route: string[]; stand: Stand } {
  const known = undisturbed.get(name);
  if (known === undefined) throw new Error(`Nobody knows yet how ${name} goes when nothing happens`);
  return known;
}

/**
 * Where a story's way is cut: each point once, and none after its end. A hook that runs while no step is under way is the runner's own
 * affair. Of what happens to other plugins on the way only the hooks and the end count; their own stories have the rest.
 */
function routeOf(passed: string[], { plugin, act }: Act): string[] {
  const route = new Set<string>();
  let underWay = false;
  for (const point of passed) {
    const [kind, about, , what = ''] = point.split(' ');
    if (kind === 'hook') {
      if (!underWay) continue;
      // The hook's own entry is the same moment.
      const last = [...route].at(-1);
      if (last?.endsWith(' begun') === true) route.delete(last);
      if (point.includes(` of ${plugin} `) || point.endsWith(' entered')) route.add(point);
      continue;
    }
    underWay = ['begun', 'threw', 'failed', 'undid', 'undone'].includes(what);
    if ((kind === act && about === plugin) || point.endsWith(' finished')) route.add(point);
    if (point === `${act} ${plugin} finished`) break;
  }
  return [...route];
}

/**
 * The runner has no part in what the installer writes; it is killed where one step is done and the next not begun, and inside hooks. A
 * runner that was killed has left nothing to unload, so nobody comes by that hook then: it has a test of its own.
 */
function isSeenByTheRunner(point: string): boolean {
  if (point.startsWith('hook onUnload ')) return false;
  return / (created|done|undone|failed|finished)$/.test(point) || point.startsWith('hook ');
}

async function kill(victim: Victim): Promise<void> {
  const pid = platform.pid(victim);
  platform.kill(victim, 'SIGKILL');
  await eventually(() => {
    const now = platform.pid(victim);
    expect(now !== undefined && now !== pid).toBe(true);
  });
}

/** The steps as the sagas list them; nothing of them is run. */
function allSagas() {
  return createSagas({} as SagaNeeds);
}

function stepsOf(sagas: ReturnType<typeof allSagas>): { kind: string; name: string }[] {
  return Object.entries(sagas).flatMap(([kind, steps]) => steps.map(({ name }) => ({ kind, name })));
}

/** Whether the point shows that the step was done. */
function isOfStep(point: string, { kind, name }: { kind: string; name: string }): boolean {
  const [pointKind, , step, what] = point.split(' ');
  return pointKind === kind && step === name && what === 'done';
}

/** How the story's own operation ended. */
function outcomeOf({ operations }: Stand, { plugin, act }: Act): string | undefined {
  return operations.findLast(({ kind, plugin_id: id }) => kind === act && id === plugin)?.status;
}

/** What every tenant has in the end, once nothing is under way and the runner has heard of everything. */
async function ends(tenants: string[]): Promise<Stand[]> {
  return await eventually(
    async () => {
      const { rows } = await database.query(
        `SELECT tenant, kind, plugin_id FROM installer.operations WHERE tenant = ANY($1) AND status IN ('running', 'undoing')`,
        [tenants],
      );
      expect(rows).toEqual([]);
      const stands = await standsOf(database, tenants);
      return tenants.map((tenant) => {
        const stand = stands.get(tenant);
        if (stand === undefined) throw new Error(`${tenant} has no stand`);
        expect(stand.operations).not.toEqual([]);
        for (const plugin of stand.installed) expect(plugin).toMatchObject({ target: null, runnerHasGeneration: true });
        expect(stand.runner).toHaveLength(stand.installed.length);
        return stand;
      });
    },
    { within: GOES_ON_WITHIN },
  );
}

/** Takes away what is left; what is not free for the next operation would refuse with 423. */
async function clean(tenants: string[]): Promise<void> {
  await inTurn(tenants, async (tenant) => {
    for (const plugin of [BASE, EXTRA, SHIPPED]) {
      gate.begin(tenant);
      const { status, code } = await request(tenant, {
        plugin,
        act: 'uninstall',
        body: { cascade: true, deleteData: true, force: true },
      });
      expect([tenant, plugin, status, code]).toEqual([
        tenant,
        plugin,
        expect.any(Number),
        status === 404 ? 'PLUGIN_NOT_INSTALLED' : '',
      ]);
    }
  });
  const stands = await standsOf(database, tenants);
  for (const tenant of tenants) expect({ tenant, ...stands.get(tenant) }).toMatchObject({ installed: [], tables: {} });
}

async function makeReady(ways: Way[]): Promise<void> {
  await inTurn(ways, async ({ story, tenant }) => {
    for (const act of story.before) await succeed(tenant, act);
  });
}

async function inTurn<One>(all: One[], work: (one: One) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const worker = async () => {
    for (const one of waiting) await work(one);
  };
  await Promise.all(Array.from({ length: READY_AT_ONCE }, worker));
}

async function succeed(tenant: string, act: Act): Promise<void> {
  const answer = await request(tenant, act);
  // On a busy machine it may take longer than its request waits.
  if (answer.status === 202) await eventually(() => hasSucceeded(tenant, act), { within: GOES_ON_WITHIN });
  else expect([tenant, act, answer]).toEqual([tenant, act, { status: act.act === 'install' ? 201 : 200, code: '' }]);
}

async function hasSucceeded(tenant: string, { plugin, act }: Act): Promise<void> {
  const { rows } = await database.query(
    `SELECT status FROM installer.operations WHERE tenant = $1 AND plugin_id = $2 AND kind = $3 ORDER BY created_at DESC LIMIT 1`,
    [tenant, plugin, act],
  );
  expect([tenant, plugin, act, rows]).toEqual([tenant, plugin, act, [{ status: 'succeeded' }]]);
}

/** Begins the operation and does not wait for its end. */
function begin(tenant: string, act: Act): Promise<unknown> {
  return request(tenant, act, { prefer: 'respond-async' });
}

async function request(tenant: string, { plugin, act, body = {} }: Act, headers = {}) {
  const path = act === 'install' ? 'install' : `${plugin}/${act}`;
  const response = await fetch(`${platform.urls.installer}/api/plugins/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf(tenant)}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(act === 'install' ? { id: plugin, ...body } : body),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return { status: response.status, code: error?.code ?? '' };
}

/** Which version answers the tenant; the status when none does. */
async function versionAt(tenant: string, plugin: string): Promise<unknown> {
  const response = await fetch(`${platform.urls['plugin-runner']}/api/plugins/${plugin}/version`, {
    headers: { authorization: `Bearer ${await tokenOf(tenant)}` },
  });
  const { data } = (await response.json()) as { data?: { version: string } };
  return data?.version ?? response.status;
}

const tokens = new Map<string, Promise<string>>();
function tokenOf(tenant: string): Promise<string> {
  const known = tokens.get(tenant) ?? platform.token(tenant);
  tokens.set(tenant, known);
  return known;
}

/** The installer's rows of a tenant as they are, to the last byte. */
async function rowsOf(tenant: string): Promise<unknown[]> {
  const sql = 'SELECT * FROM installer.installations WHERE tenant = $1 ORDER BY plugin_id';
  const { rows } = await database.query(sql, [tenant]);
  return rows;
}

/**
 * The hooks of the operation in the order in which they ran, as often as they ran. What is installed and not enabled stays loaded for a
 * minute (docs/decisions/0003): where all the kills take longer, it is loaded once more before it is enabled.
 */
function hooksIn(passed: string[], route: string[]): string[] {
  const hooks = passed.filter((point) => point.startsWith('hook ') && route.includes(point));
  return hooks.filter((point, at) => !point.startsWith('hook onLoad ') || hooks.indexOf(point) === at);
}

function slug({ name }: Story): string {
  return name.replaceAll(' ', '-').slice(0, 24);
}
