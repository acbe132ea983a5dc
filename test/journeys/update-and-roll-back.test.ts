import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

const PLUGIN = 'activity-feed';
let platform: TestPlatform;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, globex] = [await Tenant.of(platform, 'acme'), await Tenant.of(platform, 'globex')];
  await Promise.all([acme.use(PLUGIN, '1.0.0'), globex.use(PLUGIN, '1.0.0')]);
});
afterAll(() => platform.stop());

test("an update keeps the tenant's data and its plugin enabled, and a rollback brings the version before back", async () => {
  const project = await acme.project('Credit scoring');
  await acme.risk(project, 'before the update');
  await eventually(async () => expect(await acme.recordedRisks()).toEqual(['before the update']));

  await eventually(async () =>
    expect((await acme.get('/api/marketplace/updates')).data).toMatchObject({
      plugins: [{ id: PLUGIN, installedVersion: '1.0.0', version: '1.1.0' }],
    }),
  );
  expect(await acme.post(`/api/plugins/${PLUGIN}/update`)).toMatchObject({ status: 200 });
  expect(await acme.plugin(PLUGIN)).toMatchObject({ version: '1.1.0', state: 'enabled', previousVersion: '1.0.0' });
  expect((await acme.get(`/api/plugins/${PLUGIN}/stats`)).status).toBe(200);
  await acme.risk(project, 'after the update');
  await eventually(async () => expect(await acme.recordedRisks()).toEqual(['before the update', 'after the update']));

  expect(await acme.post(`/api/plugins/${PLUGIN}/rollback`)).toMatchObject({ status: 200 });
  expect(await acme.plugin(PLUGIN)).toMatchObject({ version: '1.0.0', state: 'enabled' });
  expect((await acme.get(`/api/plugins/${PLUGIN}/stats`)).status).toBe(404);
  expect(await acme.recordedRisks()).toEqual(['before the update', 'after the update']);
});

test('another tenant stays on the version it has', async () => {
  expect(await globex.plugin(PLUGIN)).toMatchObject({ version: '1.0.0', state: 'enabled' });
  expect((await globex.get(`/api/plugins/${PLUGIN}/stats`)).status).toBe(404);
});

test('events of an update under way wait for the new version', async () => {
  const project = await globex.project('Chat assistant');
  const updating = globex.post(`/api/plugins/${PLUGIN}/update`);
  const risks = Array.from({ length: 15 }, (_, index) => `risk ${index}`);
  for (const risk of risks) await globex.risk(project, risk);
  expect(await updating).toMatchObject({ status: 200 });
  await eventually(async () => expect(await globex.recordedRisks()).toEqual(risks));
});

test('what a tenant reads of its plugins shows nothing of another tenant', async () => {
  const nobody = await Tenant.of(platform, 'acme', 'Viewer');
  expect((await nobody.get('/api/plugins')).status).toBe(200);
  for (const act of ['enable', 'disable', 'update', 'rollback', 'uninstall']) {
    expect(await nobody.post(`/api/plugins/${PLUGIN}/${act}`)).toMatchObject({ status: 403 });
  }
  await acme.uninstall(PLUGIN, true);
  expect((await acme.get(`/api/plugins/${PLUGIN}/activity`)).status).toBe(404);
  expect((await globex.get(`/api/plugins/${PLUGIN}/activity`)).status).toBe(200);
});
