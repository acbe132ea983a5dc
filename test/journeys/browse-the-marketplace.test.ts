import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

const PLUGIN = 'activity-feed';

/** What the marketplace says a tenant has of the plugin. */
interface Flags {
  installed: boolean;
  installedVersion: string | null;
  enabled: boolean;
  hasUpdate: boolean;
}
const NOTHING: Flags = { installed: false, installedVersion: null, enabled: false, hasUpdate: false };
const has = (installedVersion: string, enabled: boolean, hasUpdate: boolean): Flags => ({
  ...{ installed: true, installedVersion },
  ...{ enabled, hasUpdate },
});

let platform: TestPlatform;
let acme: Tenant;
let globex: Tenant;
/** The same people in front of each replica of registry-cache. */
const atReplicas = new Map<Tenant, Tenant[]>();

beforeAll(async () => {
  platform = await startTestPlatform();
  const { url } = await platform.startAnother('registry-cache');
  [acme, globex] = [await Tenant.of(platform, 'acme'), await Tenant.of(platform, 'globex')];
  for (const who of [acme, globex]) {
    const token = await platform.token(who.tenant);
    const replicas = [platform.urls['registry-cache'], url].map((at) => new Tenant(at, who.tenant, token));
    atReplicas.set(who, replicas);
  }
});
afterAll(() => platform.stop());

/** Everything one replica tells somebody of the plugin. */
async function toldBy(replica: Tenant) {
  const plugins = async (path: string): Promise<(Flags & { id: string })[]> => {
    const { status, data } = await replica.get(`/api/marketplace${path}`);
    expect(status).toBe(200);
    return data.plugins as (Flags & { id: string })[];
  };
  const isIn = async (path: string) => (await plugins(path)).some(({ id }) => id === PLUGIN);
  const details = (await replica.get(`/api/marketplace/${PLUGIN}`)).data as unknown as Flags & {
    dependencyPlan: { action: string }[];
  };
  return {
    browsing: flagsOf((await plugins('')).find(({ id }) => id === PLUGIN)),
    searching: flagsOf((await plugins('?search=actvity')).find(({ id }) => id === PLUGIN)),
    details: flagsOf(details),
    plan: details.dependencyPlan.map(({ action }) => action),
    isInstalled: await isIn('?installed=true'),
    isNotInstalled: await isIn('?installed=false'),
    hasUpdates: await isIn('?installed=updates'),
    isAmongUpdates: await isIn('/updates'),
  };
}

function flagsOf(shown: Flags | undefined): Flags | undefined {
  if (shown === undefined) return undefined;
  const { installed, installedVersion, enabled, hasUpdate } = shown;
  return { installed, installedVersion, enabled, hasUpdate };
}

function expected(flags: Flags): Awaited<ReturnType<typeof toldBy>> {
  const action = flags.hasUpdate ? 'update' : 'none';
  return {
    ...{ browsing: flags, searching: flags, details: flags },
    plan: [flags.installed ? action : 'install'],
    ...{ isInstalled: flags.installed, isNotInstalled: !flags.installed },
    ...{ hasUpdates: flags.hasUpdate, isAmongUpdates: flags.hasUpdate },
  };
}

const everywhere = (who: Tenant) => Promise.all((atReplicas.get(who) ?? []).map(toldBy));

/** All replicas come to tell this of one tenant's plugin, and never anything else than before of the other's. */
async function comesToShow(who: Tenant, flags: Flags, other: Tenant, still: Flags): Promise<void> {
  const ofTheOther: unknown[] = [];
  await eventually(async () => {
    ofTheOther.push(...(await everywhere(other)));
    expect(await everywhere(who)).toEqual([expected(flags), expected(flags)]);
  });
  expect(ofTheOther).toEqual(ofTheOther.map(() => expected(still)));
}

test('what one tenant does to a plugin shows on every replica, and to this tenant only', async () => {
  await comesToShow(acme, NOTHING, globex, NOTHING);
  expect(await acme.install(PLUGIN, '1.0.0')).toMatchObject({ status: 201 });
  await comesToShow(acme, has('1.0.0', false, true), globex, NOTHING);
  expect(await acme.enable(PLUGIN)).toMatchObject({ status: 200 });
  await comesToShow(acme, has('1.0.0', true, true), globex, NOTHING);

  expect(await globex.install(PLUGIN)).toMatchObject({ status: 201 });
  await comesToShow(globex, has('1.1.0', false, false), acme, has('1.0.0', true, true));
  expect(await globex.enable(PLUGIN)).toMatchObject({ status: 200 });
  const newest = has('1.1.0', true, false);
  await comesToShow(globex, newest, acme, has('1.0.0', true, true));

  expect(await acme.post(`/api/plugins/${PLUGIN}/update`)).toMatchObject({ status: 200 });
  await comesToShow(acme, newest, globex, newest);
  expect(await acme.post(`/api/plugins/${PLUGIN}/rollback`)).toMatchObject({ status: 200 });
  await comesToShow(acme, has('1.0.0', true, true), globex, newest);
  expect(await acme.disable(PLUGIN)).toMatchObject({ status: 200 });
  await comesToShow(acme, has('1.0.0', false, true), globex, newest);
  expect(await acme.uninstall(PLUGIN, true)).toMatchObject({ status: 200 });
  await comesToShow(acme, NOTHING, globex, newest);
});
