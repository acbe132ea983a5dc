import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ownerOfPath, upstreamNames } from '../../shared/host-sdk/src/routes/owner-of-path.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

let platform: TestPlatform;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, globex] = [await Tenant.of(platform, 'acme'), await Tenant.of(platform, 'globex')];
});
afterAll(() => platform.stop());

test('every path that a service describes is passed on to it by the platform', async () => {
  const described: string[] = [];
  const passedOn: string[] = [];
  for (const name of upstreamNames) {
    const { paths } = await openApiOf(name);
    for (const [path, methods] of Object.entries(paths).filter(([path]) => path.startsWith('/api/'))) {
      for (const method of Object.keys(methods).map((word) => word.toUpperCase())) {
        described.push(`${method} ${path}: ${name}`);
        passedOn.push(`${method} ${path}: ${ownerOfPath(method, path.replaceAll(/\{\w+\}/g, 'some-name'))}`);
      }
    }
  }
  expect(passedOn).toEqual(described);
  expect(new Set(described.map((line) => line.split(': ')[1]))).toEqual(new Set(upstreamNames));
});

async function openApiOf(name: (typeof upstreamNames)[number]): Promise<{ paths: Record<string, object> }> {
  return (await (await fetch(`${platform.urls[name]}/openapi.json`)).json()) as { paths: Record<string, object> };
}

async function states(tenant: Tenant): Promise<Record<string, string>> {
  const { plugins } = (await tenant.get('/api/plugins')).data as { plugins: { id: string; state: string }[] };
  return Object.fromEntries(plugins.map(({ id, state }) => [id, state]));
}

test('every tenant sees what ships with the platform as registered', async () => {
  for (const tenant of [acme, globex]) {
    expect(await states(tenant)).toEqual({ 'activity-feed': 'registered', 'minimal-test-plugin': 'registered' });
  }
});

test('enabling it installs it first, in this tenant only', async () => {
  expect(await acme.enable('activity-feed')).toMatchObject({ status: 200 });
  expect(await acme.plugin('activity-feed')).toMatchObject({ state: 'enabled', version: '1.1.0' });
  expect((await states(globex))['activity-feed']).toBe('registered');
  expect((await globex.get('/api/plugins/activity-feed/activity')).status).toBe(404);
});

test('jobs and webhooks of a plugin that a tenant does not have are not found', async () => {
  for (const list of ['jobs', 'webhooks']) {
    expect(await acme.get(`/api/plugins/activity-feed/${list}`)).toMatchObject({ status: 200 });
    for (const [tenant, plugin] of [
      [globex, 'activity-feed'],
      [acme, 'nobody-has-it'],
    ] as const) {
      const answer = await tenant.get(`/api/plugins/${plugin}/${list}`);
      expect(answer).toMatchObject({ status: 404, error: { code: 'PLUGIN_NOT_INSTALLED' } });
    }
  }
});

test('its widgets are on the dashboard of the tenant that enabled it', async () => {
  const widgets = async (tenant: Tenant) => (await tenant.get('/api/plugins/ui-extensions')).data.dashboardWidgets;
  expect(await widgets(acme)).toMatchObject([{ pluginId: 'activity-feed', template: 'activity-feed' }, {}]);
  expect(await widgets(globex)).toEqual([]);
});
