import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RunHookRequest, StepOutcome } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { InstallerRoom, type Answer, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';

let room: InstallerRoom;
let acme: Tenant;
/** What the next hook does; undefined is success. */
let onHook: (request: RunHookRequest) => StepOutcome | Promise<undefined> | undefined = () => undefined;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller({ HOOK_LIMIT_MS: '500', INSTALL_HOOK_LIMIT_MS: '500', HOOK_GRACE_MS: '500' });
  acme = await room.tenant((request) => onHook(request));
}, 60_000);
afterAll(() => room.close(), 60_000);

const publish = (id: string, more: Record<string, unknown> = {}, entry = {}) =>
  room.registry.publish(pluginArchive({ id, version: '1.0.0', ...more }), entry);
const install = (id: string, more = {}) => acme.call('POST', '/install', { id, ...more });
const failing = ({ stepId, hook }: RunHookRequest, code: 'HOOK_FAILED' | 'PLUGIN_LOAD_FAILED'): StepOutcome => {
  return { kind: 'failed', stepId, error: { code, message: `${hook} does not work` } };
};
const never = () => new Promise<undefined>(() => undefined);

/** The table of the API, one way to every status. */
const ways: [status: number, code: string, how: () => Promise<Answer>][] = [
  [400, 'VALIDATION_FAILED', () => acme.call('POST', '/install', {})],
  [400, 'VALIDATION_FAILED', () => acme.call('GET', '?sort=name')],
  [400, 'VALIDATION_FAILED', () => acme.call('GET', '/audit?action=foo')],
  [400, 'VALIDATION_FAILED', () => acme.call('POST', '/install?withDependencies=true', { id: 'x' })],
  [400, 'BAD_REQUEST', () => acme.call('POST', '/install', { id: 'x' }, { headers: { 'idempotency-key': 'a b' } })],
  [401, 'UNAUTHENTICATED', () => acme.call('GET', '', undefined, { role: null })],
  [403, 'FORBIDDEN', () => acme.call('POST', '/install', { id: 'x' }, { role: 'Viewer' })],
  [404, 'PLUGIN_NOT_FOUND', () => install('nobody-has-it')],
  [404, 'PLUGIN_NOT_INSTALLED', () => acme.call('POST', '/nobody-has-it/enable')],
  [404, 'OPERATION_NOT_FOUND', () => acme.call('GET', '/operations/x')],
  [404, 'NOT_FOUND', () => acme.call('GET', '/here/is/nothing')],
  [
    409,
    'ALREADY_INSTALLED',
    async () => {
      publish('there');
      await install('there');
      return install('there');
    },
  ],
  [409, 'NOTHING_TO_ROLL_BACK', () => acme.call('POST', '/there/rollback')],
  [
    409,
    'IDEMPOTENCY_KEY_REUSED',
    async () => {
      const headers = { 'idempotency-key': 'status-409' };
      await acme.call('POST', '/there/disable', {}, { headers });
      return acme.call('POST', '/there/disable', undefined, { headers, role: 'Admin', userId: '8' });
    },
  ],
  [413, 'PACKAGE_TOO_LARGE', () => acme.upload(Buffer.alloc(11 * 1024 * 1024))],
  [413, 'TOO_LARGE', () => acme.call('PUT', '/there/config', { config: { text: 'x'.repeat(20 * 1024 * 1024) } })],
  [415, 'NOT_A_ZIP', () => acme.upload(Buffer.from('no zip'))],
  [415, 'UNSUPPORTED_MEDIA_TYPE', () => acme.call('POST', '/upload', {})],
  [422, 'MANIFEST_INVALID', () => acme.upload(pluginArchive({ id: 'Wrong Id', version: '1.0.0' }).bytes)],
  [
    422,
    'CHECKSUM_MISMATCH',
    () => acme.upload(pluginArchive({ id: 'fine', version: '1.0.0' }).bytes, { checksum: `sha256:${'1'.repeat(64)}` }),
  ],
  [
    422,
    'INCOMPATIBLE',
    () => {
      publish('of-tomorrow', { compatibility: { minVersion: '99.0.0' } });
      return install('of-tomorrow');
    },
  ],
  [
    422,
    'PLUGIN_LOAD_FAILED',
    () => {
      publish('no-code');
      onHook = (request) => failing(request, 'PLUGIN_LOAD_FAILED');
      return install('no-code');
    },
  ],
  [
    423,
    'BUSY',
    async () => {
      publish('slow');
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const entered = Promise.withResolvers<undefined>();
      onHook = () => {
        entered.resolve(undefined);
        return promise;
      };
      const begun = install('slow', {});
      // Before that, either of the two may be the one that the other has to wait for.
      await entered.promise;
      const answer = await install('slow');
      resolve(undefined);
      await begun;
      return answer;
    },
  ],
  [
    424,
    'DEPENDENCY_FAILED',
    () => {
      publish('rotten');
      publish('on-rotten', { dependencies: { rotten: '*' } });
      onHook = (request) => failing(request, 'HOOK_FAILED');
      return install('on-rotten', { withDependencies: true });
    },
  ],
  [
    500,
    'HOOK_FAILED',
    () => {
      publish('throws');
      onHook = (request) => failing(request, 'HOOK_FAILED');
      return install('throws');
    },
  ],
  [
    502,
    'DOWNLOAD_FAILED',
    () => {
      const { downloadUrl } = publish('gone-away');
      publish('gone', {}, { downloadUrl: downloadUrl.replace('gone-away', 'nothing-there') });
      return install('gone');
    },
  ],
  [
    502,
    'REGISTRY_UNAVAILABLE',
    () => {
      room.registry.isAway = true;
      return install('anything');
    },
  ],
  [
    503,
    'NO_RUNNER',
    async () => {
      publish('for-nobody');
      const alone = await room.tenant();
      await alone.call('POST', '/install', { id: 'for-nobody' });
      await alone.runner.close();
      const answer = await alone.call('POST', '/for-nobody/enable');
      // Nothing is wrong with the plugin.
      expect((await alone.call('GET', '/for-nobody')).body.data).toMatchObject({ state: 'installed' });
      return answer;
    },
  ],
  [
    504,
    'HOOK_TIMED_OUT',
    () => {
      publish('endless');
      onHook = never;
      return install('endless');
    },
  ],
];

test.each(ways)('%i %s', async (status, code, how) => {
  onHook = () => undefined;
  room.registry.isAway = false;
  const answer = await how();
  expect([answer.status, answer.body.error.code, answer.body.success]).toEqual([status, code, false]);
  expect(answer.body.error.message.length).toBeGreaterThan(10);
});
