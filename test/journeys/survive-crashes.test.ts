import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { Tenant } from '../support/tenant.ts';

const PLUGIN = 'activity-feed';
let platform: TestPlatform;
let acme: Tenant;
let project: number;

beforeAll(async () => {
  platform = await startTestPlatform({ runners: 2 });
  acme = await Tenant.of(platform, 'acme');
  project = await acme.project('Credit scoring');
});
afterAll(() => platform.stop());

test('an installation goes on after the installer was killed in the middle', async () => {
  const install = acme.install(PLUGIN).catch(() => undefined);
  await eventually(async () => expect((await acme.plugin(PLUGIN)).state).not.toBe('registered'));
  platform.kill('installer', 'SIGKILL');
  await install;
  await platform.ready('installer');
  await eventually(async () => expect(await acme.plugin(PLUGIN)).toMatchObject({ state: 'installed' }), {
    within: 30_000,
  });
  // Killed between its last step and its end, the operation is busy until another installer ends it.
  await eventually(async () => expect(await acme.enable(PLUGIN)).toMatchObject({ status: 200 }), { within: 30_000 });
});

test('what was committed is told, also when the host is killed before it could tell', async () => {
  await acme.risk(project, 'told late');
  platform.kill('demo-platform', 'SIGKILL');
  await platform.ready('demo-platform');
  await eventually(async () => expect(await acme.recordedRisks()).toEqual(['told late']));
});

test('whichever of two runners is killed, every event is handled, in order, once', async () => {
  const risks = Array.from({ length: 40 }, (_, index) => `risk ${index}`);
  for (const [index, risk] of risks.entries()) {
    await acme.risk(project, risk);
    if (index === 10) platform.kill('plugin-runner', 'SIGKILL');
    if (index === 25) platform.kill('plugin-runner-2', 'SIGKILL');
  }
  await eventually(async () => expect(await acme.recordedRisks()).toEqual(['told late', ...risks]), { within: 30_000 });
});

test('a runner that is stopped in order hands its tenants over', async () => {
  await platform.end('plugin-runner-2');
  await acme.risk(project, 'after the hand-over');
  await eventually(async () => expect((await acme.recordedRisks()).at(-1)).toBe('after the hand-over'));
});
