import type { Answer } from './demo-client.ts';
import { DemoClient, eventually, expectAnswer, expectSame } from './demo-client.ts';
import { StartError } from './start-error.ts';

const PLUGIN = 'activity-feed';
/** globex stays on the version before. */
const ACME_VERSION = '1.1.0';
const GLOBEX_VERSION = '1.0.0';
/** Fewer than the feed keeps. */
const BURST = 20;

export interface DemoTarget {
  platformUrl: string;
  registryUrl: string;
  /** Ends the runner as a crash would; resolves when a runner is ready again. */
  killRunner(): Promise<void>;
  log?: (line: string) => void;
}

/** One version of one plugin, as the registry offers it. */
interface Offer {
  id: string;
  name: string;
  version: string;
  downloadUrl: string;
  checksum: string;
}

/** Walks one plugin's whole life for two tenants and checks every step; throws at the first surprise. */
export async function walkDemo(target: DemoTarget): Promise<void> {
  const log = target.log ?? ((line: string) => console.log(line));
  let number = 0;
  const step = async <Result>(what: string, act: (saw: (text: string) => void) => Promise<Result>): Promise<Result> => {
    number += 1;
    const seen: string[] = [];
    try {
      const result = await act((text) => seen.push(text));
      log(`${String(number).padStart(2)}. ${what}`);
      for (const text of seen) log(`      ${text}`);
      return result;
    } catch (error) {
      throw new StartError(`Step ${number}, "${what}": ${(error as Error).message}`);
    }
  };

  const offers = await step('The local registry lists the plugins with their checksums', async (saw) => {
    const response = await fetch(`${target.registryUrl}/registry.json`);
    const { plugins } = (await response.json()) as { plugins: RegistryPlugin[] };
    const plugin = plugins.find(({ id }) => id === PLUGIN);
    if (!plugin) throw new StartError(`no ${PLUGIN} in it`);
    const found = [ACME_VERSION, GLOBEX_VERSION].map((version) => offerOf(plugin, version));
    for (const offer of found) saw(`${offer.id} ${offer.version}  ${offer.checksum.slice(0, 23)}…`);
    return { acme: found[0] as Offer, globex: found[1] as Offer };
  });

  const projects = new Map<DemoClient, unknown>();
  const createRisk = async (who: DemoClient, title: string): Promise<void> => {
    expectAnswer(await who.post('/api/risks', { title, projectId: projects.get(who) }), 201);
  };

  const people = await step('Two tenants, an admin each, and somebody who may only look', async (saw) => {
    const acme = await DemoClient.login(target.platformUrl, 'acme', 'Admin');
    const globex = await DemoClient.login(target.platformUrl, 'globex', 'Admin');
    const viewer = await DemoClient.login(target.platformUrl, 'acme', 'Viewer');
    saw('tokens signed by the demo platform, verified through its JWKS');
    for (const who of [acme, globex]) projects.set(who, await createProject(who));
    saw('a project each');
    return { acme, globex, viewer, nobody: new DemoClient(target.platformUrl, 'acme', undefined) };
  });
  const { acme, globex, viewer, nobody } = people;

  await step("acme's admin browses the marketplace", async (saw) => {
    const entry = await listed(acme);
    expectSame('installed', entry.installed, false);
    saw(`200  ${PLUGIN} ${String(entry.version)}, installed: ${String(entry.installed)}`);
  });

  await step('Who may install, and what', async (saw) => {
    const install = '/api/plugins/install-from-url';
    expectAnswer(await nobody.post(install, offers.acme), 401);
    saw('401  without a token');
    expectAnswer(await viewer.post(install, offers.acme), 403);
    saw('403  as a viewer');
    const wrong = { ...offers.acme, checksum: `sha256:${'0'.repeat(64)}` };
    const refused = expectAnswer(await acme.post(install, wrong), 422, 'CHECKSUM_MISMATCH');
    saw(`422  with a wrong checksum: ${refused.error.message ?? ''}`);
  });

  await step('Both tenants install the plugin, each another version', async (saw) => {
    for (const [who, offer] of [
      [acme, offers.acme],
      [globex, offers.globex],
    ] as const) {
      const installed = expectAnswer(await who.post('/api/plugins/install-from-url', offer), 201);
      const plugin = expectAnswer(await who.get(`/api/plugins/${PLUGIN}`), 200).data;
      expectSame('the version', plugin.version, offer.version);
      expectSame('the state', plugin.state, 'installed');
      saw(
        `${installed.status}  ${who.tenant}: ${offer.version}, state ${String(plugin.state)}, downloaded, verified, onInstall and onLoad run`,
      );
    }
    expectAnswer(await acme.get(`/api/plugins/${PLUGIN}/activity`), 404);
    saw('404  its route, because it is not enabled yet');
  });

  await step('Both enable it', async (saw) => {
    for (const who of [acme, globex]) {
      const answer = expectAnswer(await who.post(`/api/plugins/${PLUGIN}/enable`), 200);
      const plugin = expectAnswer(await who.get(`/api/plugins/${PLUGIN}`), 200).data;
      expectSame('the state', plugin.state, 'enabled');
      saw(`${answer.status}  ${who.tenant}: ${String(plugin.state)}`);
    }
    await eventually(async () => expectSame('enabled in the marketplace', (await listed(acme)).enabled, true));
    saw('the marketplace says so too');
  });

  await step('Risks are created; the plugin hears of them, in each tenant only its own', async (saw) => {
    await createRisk(acme, 'Training data leaks');
    await createRisk(globex, 'Model drifts');
    const mine = await activity(acme, ['Training data leaks']);
    saw(`acme   ${ACME_VERSION}: ${described(mine)}`);
    if (!('summary' in mine))
      throw new StartError(`version ${ACME_VERSION} answers a summary, and this answer has none`);
    const theirs = await activity(globex, ['Model drifts']);
    saw(`globex ${GLOBEX_VERSION}: ${described(theirs)}`);
    if ('summary' in theirs) throw new StartError(`globex got the answer of version ${ACME_VERSION}`);
    expectAnswer(await acme.get(`/api/plugins/${PLUGIN}/stats`), 200);
    expectAnswer(await globex.get(`/api/plugins/${PLUGIN}/stats`), 404);
    saw(`GET /stats: 200 for acme, 404 for globex, whose version has no such route`);
  });

  const burst = Array.from({ length: BURST }, (_, index) => `Risk ${index + 1} of the burst`);
  await step('The runner is killed in the middle of a burst of events', async (saw) => {
    const creating = (async () => {
      for (const title of burst) await createRisk(acme, title);
    })();
    // Some are handled, one is in flight, some are still on their way.
    await eventually(async () => expectAtLeast(await names(acme), 3));
    await Promise.all([creating, target.killRunner()]);
    await activity(acme, [...burst.toReversed(), 'Training data leaks']);
    saw(`all ${BURST} events are in the feed, in order, once each`);
    await activity(globex, ['Model drifts']);
    saw("globex's feed is as it was");
  });

  await step('acme disables it: no route, no events; enabled again, it goes on', async (saw) => {
    expectAnswer(await acme.post(`/api/plugins/${PLUGIN}/disable`), 200);
    expectAnswer(await acme.get(`/api/plugins/${PLUGIN}/activity`), 404);
    saw('404  its route');
    await createRisk(acme, 'While disabled');
    await createRisk(globex, 'Unseen by acme');
    await activity(globex, ['Unseen by acme', 'Model drifts']);
    expectAnswer(await acme.post(`/api/plugins/${PLUGIN}/enable`), 200);
    await createRisk(acme, 'Enabled again');
    await activity(acme, ['Enabled again', ...burst.toReversed(), 'Training data leaks']);
    saw('the risk created meanwhile is not in the feed, the next one is');
  });

  await step('acme uninstalls it with its data; globex notices nothing', async (saw) => {
    expectAnswer(await acme.post(`/api/plugins/${PLUGIN}/uninstall`, { deleteData: true }), 200);
    expectAnswer(await acme.get(`/api/plugins/${PLUGIN}/activity`), 404);
    await eventually(async () => expectSame('installed in the marketplace', (await listed(acme)).installed, false));
    saw('404  its route; the marketplace offers it again');
    expectAnswer(await acme.post('/api/plugins/install-from-url', offers.acme), 201);
    expectAnswer(await acme.post(`/api/plugins/${PLUGIN}/enable`), 200);
    await activity(acme, []);
    saw('installed anew, it knows nothing of before');
    expectAnswer(await acme.post(`/api/plugins/${PLUGIN}/uninstall`, { deleteData: true }), 200);
    await createRisk(globex, 'Still there');
    await activity(globex, ['Still there', 'Unseen by acme', 'Model drifts']);
    saw(`globex works on with ${GLOBEX_VERSION}`);
  });

  log(`All ${number} steps went as they should.`);
}

interface RegistryPlugin {
  id: string;
  name: string;
  version: string;
  versions?: { version: string; download: string; checksum: string }[];
}

function offerOf({ id, name, versions = [] }: RegistryPlugin, version: string): Offer {
  const known = versions.find((candidate) => candidate.version === version);
  if (!known) throw new StartError(`the registry has no ${id} ${version}`);
  return { id, name, version, downloadUrl: known.download, checksum: known.checksum };
}

async function listed(who: DemoClient): Promise<Record<string, unknown>> {
  const { data } = expectAnswer(await who.get('/api/marketplace'), 200);
  const entry = (data.plugins as Record<string, unknown>[]).find(({ id }) => id === PLUGIN);
  if (!entry) throw new StartError(`the marketplace does not list ${PLUGIN}`);
  return entry;
}

async function createProject(who: DemoClient): Promise<unknown> {
  return expectAnswer(await who.post('/api/projects', { title: 'Credit scoring' }), 201).data.id;
}

/** The feed's answer once it shows exactly these names, newest first. */
function activity(who: DemoClient, expected: string[]): Promise<Answer['data']> {
  return eventually(async () => {
    const { data } = expectAnswer(await who.get(`/api/plugins/${PLUGIN}/activity`), 200);
    expectSame(`the feed of ${who.tenant}`, namesIn(data), expected);
    return data;
  });
}

async function names(who: DemoClient): Promise<string[]> {
  return namesIn(expectAnswer(await who.get(`/api/plugins/${PLUGIN}/activity`), 200).data);
}

function namesIn(data: Answer['data']): string[] {
  return (data.activities as { entityName: string }[]).map(({ entityName }) => entityName);
}

function expectAtLeast(seen: string[], count: number): void {
  if (seen.length < count) throw new StartError(`expected at least ${count} activities and saw ${seen.length}`);
}

function described(data: Answer['data']): string {
  const [newest] = data.activities as {
    action: string;
    entityType: string;
    entityName: string;
    user: { name: string };
  }[];
  return newest
    ? `${newest.user.name} ${newest.action} the ${newest.entityType} "${newest.entityName}"`
    : 'nothing yet';
}
