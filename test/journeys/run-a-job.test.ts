import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inRedis } from '../../infra/local/src/backing/handshakes.ts';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

const PLUGIN = 'minimal-test-plugin';
let platform: TestPlatform;
let acme: Tenant;
let globex: Tenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, globex] = [await Tenant.of(platform, 'acme'), await Tenant.of(platform, 'globex')];
  await Promise.all([acme.use(PLUGIN), globex.use(PLUGIN)]);
});
afterAll(() => platform.stop());

async function schedule(tenant: Tenant, text: string, delay: number): Promise<void> {
  expect(await tenant.post(`/api/plugins/${PLUGIN}/schedule`, { text, delay })).toMatchObject({ status: 202 });
}

/** The texts of the notes that jobs have written, one for each run. */
async function notes(tenant: Tenant): Promise<string[]> {
  const { data } = await tenant.get(`/api/plugins/${PLUGIN}/notes`);
  return Object.entries((data.notes ?? {}) as Record<string, { text: string }>)
    .filter(([key]) => key.startsWith('job:'))
    .map(([, { text }]) => text)
    .sort();
}

test('a job a plugin schedules runs once, in the tenant that scheduled it', async () => {
  await schedule(acme, 'acme', 300);
  await schedule(globex, 'globex', 300);
  await eventually(async () => expect(await notes(acme)).toEqual(['acme']));
  await eventually(async () => expect(await notes(globex)).toEqual(['globex']));
});

test('a job that is due while the scheduler is dead and Redis has forgotten everything runs all the same', async () => {
  await schedule(acme, 'kept', 1_500);
  platform.kill('scheduler', 'SIGKILL');
  await inRedis(platform.backing.redisUrl, ['FLUSHDB']);
  await platform.ready('scheduler');
  await eventually(async () => expect(await notes(acme)).toContain('kept'), { within: 30_000 });
});

test('a job that is still to come goes on with its data after its plugin was disabled and enabled', async () => {
  await schedule(acme, 'resumed', 3_000);
  expect(await acme.disable(PLUGIN)).toMatchObject({ status: 200 });
  expect(await acme.enable(PLUGIN)).toMatchObject({ status: 200 });
  await eventually(async () => expect(await notes(acme)).toContain('resumed'), { within: 30_000 });
});

test('an admin sees the job, and another tenant does not', async () => {
  await schedule(acme, 'later', 3_600_000);
  const jobs = async (tenant: Tenant) =>
    ((await tenant.get(`/api/plugins/${PLUGIN}/jobs`)).data as unknown as { name: string; nextRun: string | null }[])
      .filter(({ nextRun }) => nextRun !== null)
      .map(({ name }) => name);
  expect(await jobs(acme)).toEqual(['write-note']);
  expect(await jobs(globex)).toEqual([]);
});
