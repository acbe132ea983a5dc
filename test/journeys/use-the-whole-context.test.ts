import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBroker, type Broker } from '../../shared/broker/src/index.ts';
import { RunFilters, RunMiddleware } from '../../shared/contracts/src/index.ts';
import { createLogger } from '../../shared/service-kit/src/index.ts';
import { eventually } from '../support/eventually.ts';
import { LEDGER, ledgerPlugin } from '../support/ledger-plugin.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let host: Broker;
let acme: PluginAuthor;
let globex: PluginAuthor;

beforeAll(async () => {
  platform = await startTestPlatform();
  const log = createLogger('test-host', 'silent');
  host = await connectBroker({ url: platform.backing.brokerUrl, source: 'test-host', partitions: 8, log });
  [acme, globex] = [await PluginAuthor.of(platform, 'acme'), await PluginAuthor.of(platform, 'globex')];
  const [one, two] = [ledgerPlugin('1.0.0'), ledgerPlugin('2.0.0')];
  await Promise.all([acme.upload(one.manifest, one.files), globex.upload(two.manifest, two.files)]);
  for (const tenant of [acme, globex]) {
    const token = `token of ${tenant.tenant}`;
    await tenant.put(`/api/plugins/${LEDGER}/config`, { config: { token } });
    expect(await tenant.enable(LEDGER)).toMatchObject({ status: 200 });
  }
});
afterAll(async () => {
  await host.close();
  await platform.stop();
});

const state = async (tenant: PluginAuthor) => (await tenant.data(LEDGER, '/state')) as Record<string, unknown>;

/** Uses every part once, with this word in everything that is kept. */
async function useEverything(tenant: PluginAuthor, word: string): Promise<void> {
  const lines = ((await state(tenant)).lines as string[]).length;
  await tenant.risk(await tenant.project(word), word);
  const url = await tenant.webhookUrl(LEDGER, 'payment');
  const headers = { 'content-type': 'application/json' };
  expect(await (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ amount: word }) })).json()).toEqual({
    tenant: tenant.tenant,
    version: (await state(tenant)).version,
  });
  await tenant.send(LEDGER, '/close', { by: word });
  await tenant.send(LEDGER, '/accounts', { name: word, amount: 5 });
  expect((await tenant.send(LEDGER, '/fail', {})).data).toBe('changed its mind');
  await eventually(async () => {
    const now = (await state(tenant)).lines as string[];
    expect(now.slice(lines).sort()).toEqual([`closed by ${word}`, `payment ${word}`, `risk ${word}`]);
  });
}

/** What the host gets of the plugin when it saves a risk and answers a request. */
async function seenByHost({ tenant }: PluginAuthor): Promise<unknown[]> {
  const { data } = await host.ask(RunFilters, {
    tenant,
    payload: { filter: 'risk:before_save', data: { risk: {} } },
  });
  const request = { method: 'GET', url: '/api/risks/7', headers: {} };
  const before = await host.ask(RunMiddleware, { tenant, payload: { phase: 'before', request } });
  const response = { status: 200, headers: {}, body: {} };
  const payload = { phase: 'after', request, state: before.state, response } as const;
  const after = await host.ask(RunMiddleware, { tenant, payload });
  return [(data.risk as { ledger?: string }).ledger, (after.response?.body as { ledger?: string }).ledger];
}

async function shown(tenant: PluginAuthor): Promise<string[]> {
  const { dashboardWidgets, pages } = (await tenant.get('/api/plugins/ui-extensions')).data as Record<
    string,
    { pluginId: string; title: string }[]
  >;
  return [...(dashboardWidgets ?? []), ...(pages ?? [])]
    .filter(({ pluginId }) => pluginId === LEDGER)
    .map(({ title }) => title);
}

const logOf = async (tenant: PluginAuthor) => (await tenant.fetch(`/api/plugins/${LEDGER}/logs`)).text();

test('two tenants use every part on two versions, and neither sees anything of the other', async () => {
  await Promise.all([useEverything(acme, 'apple'), useEverything(globex, 'banana')]);
  await acme.send(LEDGER, '/currency', { currency: 'USD' });
  for (const [tenant, version, word, currency] of [
    [acme, '1.0.0', 'apple', 'USD'],
    [globex, '2.0.0', 'banana', 'EUR'],
  ] as const) {
    await eventually(async () =>
      expect(await state(tenant)).toMatchObject({
        version,
        tenant: tenant.tenant,
        accounts: [`${word} 5`],
        announced: expect.stringContaining(word),
        installed: { reason: 'install', from: null },
        currency,
        token: `token of ${tenant.tenant}`,
        jobs: expect.arrayContaining(['closing']),
      }),
    );
    expect(await seenByHost(tenant)).toEqual([version, version]);
    expect(await shown(tenant)).toEqual([`Lines ${version}`, `Ledger ${version}`]);
  }
  await eventually(async () => expect(await logOf(acme)).toContain('Writing: payment apple'));
  expect(await logOf(acme)).not.toContain('banana');
  expect(JSON.stringify(await state(globex))).not.toMatch(/apple|USD|token of acme/);
});

test('an update keeps what one tenant has, and changes nothing of the other', async () => {
  const before = await state(globex);
  const { manifest, files } = ledgerPlugin('2.0.0');
  await acme.upload(manifest, files);
  expect(await state(acme)).toMatchObject({
    version: '2.0.0',
    accounts: ['apple 5'],
    installed: { reason: 'update', from: '1.0.0' },
    currency: 'USD',
    token: 'token of acme',
  });
  expect(await seenByHost(acme)).toEqual(['2.0.0', '2.0.0']);
  await useEverything(acme, 'cherry');
  expect(await state(globex)).toEqual(before);
});

test('a rollback brings the version back, with everything that was kept meanwhile', async () => {
  expect(await acme.post(`/api/plugins/${LEDGER}/rollback`)).toMatchObject({ status: 200 });
  expect(await state(acme)).toMatchObject({ version: '1.0.0', accounts: ['apple 5', 'cherry 5'], currency: 'USD' });
  expect(await seenByHost(acme)).toEqual(['1.0.0', '1.0.0']);
  expect(await shown(acme)).toEqual(['Lines 1.0.0', 'Ledger 1.0.0']);
  await useEverything(acme, 'date');
});

test('a disabled plugin takes part in nothing, keeps everything, and is as it was when it is enabled', async () => {
  const before = await state(acme);
  const url = await acme.webhookUrl(LEDGER, 'payment');
  await acme.disable(LEDGER);
  expect((await acme.get(`/api/plugins/${LEDGER}/state`)).status).toBe(404);
  await eventually(async () => expect((await fetch(url, { method: 'POST' })).status).toBe(404));
  expect(await shown(acme)).toEqual([]);
  await eventually(async () => expect(await seenByHost(acme)).toEqual([undefined, undefined]));
  expect(await seenByHost(globex)).toEqual(['2.0.0', '2.0.0']);
  await acme.risk(await acme.project('unheard'), 'unheard');
  await acme.enable(LEDGER);
  expect(await state(acme)).toEqual(before);
});

test('an uninstallation with its data leaves nothing, and the other tenant everything', async () => {
  const before = await state(globex);
  expect(await acme.uninstall(LEDGER, true)).toMatchObject({ status: 200 });
  expect(await state(globex)).toEqual(before);
  const { manifest, files } = ledgerPlugin('1.0.0');
  await acme.upload(manifest, files);
  await acme.enable(LEDGER);
  expect(await state(acme)).toMatchObject({
    lines: [],
    accounts: [],
    announced: null,
    installed: { reason: 'install', from: null },
    currency: 'EUR',
    token: null,
  });
  expect(await state(globex)).toEqual(before);
});
