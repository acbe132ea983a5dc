import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pluginArchive } from '../../services/installer/src/testing/plugin-archive.ts';
import { databaseAt, type DatabaseView } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { startPrivateBroker, type PrivateBroker } from '../support/private-broker.ts';

/** Runners reconcile every ten seconds; a machine that is busy with other tests is given three times that. */
const RIGHT_AGAIN_WITHIN_MS = 30_000;
/** How long the broker stays away. Nobody waits for that in every run; an outage of a minute is OUTAGE_MS=60000. */
const OUTAGE_MS = Number(process.env['OUTAGE_MS'] ?? 0);
const PLUGIN = 'converging';
/** One that the marketplace lists. */
const LISTED = 'activity-feed';
jest.setTimeout(300_000);

let broker: PrivateBroker;
let platform: TestPlatform;
let database: DatabaseView;
let acme: PluginAuthor;
let globex: PluginAuthor;
let initech: PluginAuthor;

beforeAll(async () => {
  broker = await startPrivateBroker();
  platform = await startTestPlatform({ brokerUrl: broker.url });
  database = databaseAt(platform.backing.databaseUrl);
  [acme, globex, initech] = [await author('acme'), await author('globex'), await author('initech')];
  const { manifest } = pluginArchive({
    id: PLUGIN,
    version: '1.0.0',
    permissions: ['config:read', 'events:listen'],
    config: { colour: { type: 'string', default: 'red' } },
  });
  const files = {
    'index.js': `
      let context;
      module.exports = {
        onLoad: (ctx) => { context = ctx; },
        routes: (router) => router.get('/colour', (req, res) => res.json({ success: true, data: context.config.get('colour') })),
        webhooks: () => ({ ping: { handler: (req, res) => res.end() } }),
      };`,
  };
  for (const tenant of [acme, globex, initech]) {
    await tenant.upload(manifest, files);
    expect(await tenant.enable(PLUGIN)).toMatchObject({ status: 200 });
  }
  for (const tenant of [globex, initech]) {
    expect(await tenant.enable(LISTED)).toMatchObject({ status: 200 });
  }
}, 300_000);
afterAll(async () => {
  await platform.stop();
  await broker.stop();
}, 60_000);

test('when every fact and every command of an outage was lost, runners, the marketplace and the gateway are right again within an interval', async () => {
  const senderOf = new Map([
    [acme, await acme.webhookUrl(PLUGIN, 'ping')],
    [globex, await globex.webhookUrl(PLUGIN, 'ping')],
  ]);
  const generations = await generationsOf('installer');
  expect(await generationsOf('runner')).toEqual(generations);
  for (const tenant of [globex, initech]) {
    await eventually(async () => expect(await flagsOf(tenant)).toEqual({ installed: true, enabled: true }));
  }

  await broker.kill();
  expect(await acme.put(`/api/plugins/${PLUGIN}/config`, { config: { colour: 'blue' } })).toMatchObject({
    status: 200,
  });
  expect(await acme.put(`/api/plugins/${PLUGIN}/permissions`, { granted: ['config:read'] })).toMatchObject({
    status: 200,
  });
  // What nobody can be told: the plugins of globex are disabled, those of initech are gone.
  await database.query(
    `UPDATE installer.installations SET state = 'disabled', desired = 'disabled', generation = nextval('installer.generations')
     WHERE tenant = 'globex'`,
  );
  await database.query(`DELETE FROM installer.installations WHERE tenant = 'initech'`);
  await pause(OUTAGE_MS);
  const lost = await database.query('DELETE FROM installer.outbox');
  expect(lost.rowCount).toBeGreaterThan(0);
  const wanted = await generationsOf('installer');
  expect(wanted).not.toEqual(generations);
  expect(await generationsOf('runner')).toEqual(generations);

  const startedAt = performance.now();
  await broker.restart();
  const backAt = performance.now();
  await eventually(
    async () => {
      expect(await generationsOf('runner')).toEqual(wanted);
      expect(await acme.data(PLUGIN, '/colour')).toBe('blue');
      expect(await globex.get(`/api/plugins/${PLUGIN}/colour`)).toMatchObject({ status: 404 });
      expect(await initech.get(`/api/plugins/${PLUGIN}/colour`)).toMatchObject({ status: 404 });
      expect(await flagsOf(globex)).toEqual({ installed: true, enabled: false });
      expect(await flagsOf(initech)).toEqual({ installed: false, enabled: false });
      expect(await webhookStatus(senderOf.get(acme))).toBe(200);
      expect(await webhookStatus(senderOf.get(globex))).toBe(404);
    },
    { within: RIGHT_AGAIN_WITHIN_MS },
  );
  const [down, until] = [backAt - startedAt, performance.now() - backAt].map((ms) => (ms / 1_000).toFixed(1));
  process.stdout.write(`the broker took ${down ?? ''} s to start; everything was right ${until ?? ''} s later\n`);
});

function author(tenant: string): Promise<PluginAuthor> {
  return PluginAuthor.of(platform, tenant);
}

/** What the marketplace says the tenant has of the plugin it lists. */
async function flagsOf(tenant: PluginAuthor): Promise<unknown> {
  const { installed, enabled } = (await tenant.get(`/api/marketplace/${LISTED}`)).data;
  return { installed, enabled };
}

async function generationsOf(of: 'installer' | 'runner'): Promise<unknown[]> {
  const { rows } = await database.query(
    of === 'installer'
      ? 'SELECT tenant, generation, desired, granted FROM installer.installations ORDER BY tenant, plugin_id'
      : `SELECT tenant, generation, installation->>'desired' AS desired, installation->'granted' AS granted
         FROM plugin_runner.installations ORDER BY tenant, plugin_id`,
  );
  return rows;
}

async function webhookStatus(url = ''): Promise<number> {
  const response = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  await response.text();
  return response.status;
}
