import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import '../../../test/support/patience.ts';
import { forgedUrls } from './testing/forged-urls.ts';
import { InstallerRoom, type Tenant } from './testing/installer-room.ts';
import { checksumOf, pluginArchive } from './testing/plugin-archive.ts';
import { writtenArchive } from './testing/written-archive.ts';

const ENTRIES = 20;
const LIMIT_BYTES = 100_000;
let room: InstallerRoom;
let scratch: string;
let acme: Tenant;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'package-intake-'));
  room = await InstallerRoom.open();
  await room.startInstaller({
    PACKAGE_SCRATCH_FOLDER: scratch,
    PACKAGE_ENTRY_LIMIT: String(ENTRIES),
    DOWNLOAD_LIMIT_BYTES: String(LIMIT_BYTES),
  });
  acme = await room.tenant();
});
afterAll(async () => {
  await room.close();
  await rm(scratch, { recursive: true });
});

describe('a package that cannot be taken in', () => {
  const cases: [what: string, status: number, code: string, id: string, bytes: Buffer][] = [
    ['is no zip', 415, 'NOT_A_ZIP', 'no-zip', Buffer.from('<html>not found</html>')],
    ['is too large to be downloaded', 413, 'PACKAGE_TOO_LARGE', 'too-large', Buffer.alloc(LIMIT_BYTES + 1)],
    ['has too many files', 413, 'ARCHIVE_TOO_MANY_ENTRIES', 'too-many', manyFiles()],
    ['leads out of its folder', 422, 'ARCHIVE_PATH_PARENT', 'climber', writtenArchive([{ name: '../x' }])],
    ['has no manifest', 422, 'MANIFEST_MISSING', 'bare', writtenArchive([{ name: 'index.js' }])],
    ['is another plugin', 422, 'MANIFEST_MISMATCH', 'wolf', pluginArchive({ id: 'sheep', version: '1.0.0' }).bytes],
  ];

  test.each(cases)(
    'because it %s is told so with %i %s, and nothing of it stays',
    async (_what, status, code, id, bytes) => {
      room.registry.publish({ id, version: '1.0.0', bytes, checksum: checksumOf(bytes), manifest: {} });
      const answer = await acme.call('POST', '/install', { id });
      expect([answer.status, answer.body.error.code]).toEqual([status, code]);
      expect((await acme.call('GET', `/${id}`)).status).toBe(404);
      expect(await readdir(scratch)).toEqual([]);
    },
  );

  test('because of its manifest is told everything that is wrong at once, with place and hint', async () => {
    const bad = pluginArchive({ id: 'muddled', version: 'one', type: 'thing', config: { key: { type: 'text' } } });
    room.registry.publish({ ...bad, version: '1.0.0' });
    const answer = await acme.call('POST', '/install', { id: 'muddled' });
    expect(answer.status).toBe(422);
    const { issues } = answer.body.error.details as { issues: { path: string; message: string; hint: string }[] };
    expect(issues.map(({ path }) => path).sort()).toEqual(['/config/key/type', '/type', '/version']);
    expect(issues.every(({ message, hint }) => message !== '' && hint !== '')).toBe(true);
  });

  test('that can is told its checksum, and what is missing beside it', async () => {
    const { checksum } = room.registry.publish(pluginArchive({ id: 'plain', version: '1.0.0' }));
    const answer = await acme.call('POST', '/install', { id: 'plain' });
    expect(answer.body.data.checksum).toBe(checksum);
    expect(answer.body.data.warnings).toEqual([
      '/icon.png icon.png is missing. Add a PNG of 64×64 pixels',
      '/CHANGELOG.md CHANGELOG.md is missing. Describe each version under a heading',
      '/README.md README.md is missing. Tell people what the plugin does',
    ]);
  });

  test('that has its code where nothing begins is told so', async () => {
    const { bytes } = pluginArchive({ id: 'misplaced', version: '1.0.0' }, { 'dist/index.js': 'module.exports = {};' });
    const answer = await acme.upload(bytes);
    expect(answer.body.data).toMatchObject({ state: 'installed', warnings: expect.anything() });
    expect(JSON.stringify(answer.body.data.warnings)).toContain('found dist/index.js');
  });
});

describe('a forged address', () => {
  const usual = { local: false, allowedHosts: ['github.com', '*.githubusercontent.com'] };

  test('that a caller sends is not the one of our registry', async () => {
    const { checksum } = room.registry.publish(pluginArchive({ id: 'wanted', version: '1.0.0' }));
    // One plugin, so one at a time.
    await inTurns(forgedUrls, 1, async ([what, downloadUrl]) => {
      const answer = await acme.call('POST', '/install-from-url', { id: 'wanted', downloadUrl, checksum });
      const expected = downloadUrl === '' ? [400, 'VALIDATION_FAILED'] : [422, 'DOWNLOAD_URL_MISMATCH'];
      expect([what, answer.status, answer.body.error.code]).toEqual([what, ...expected]);
    });
    expect((await acme.call('GET', '/wanted')).status).toBe(404);
  });

  test('that our registry lists is not fetched, by id or by its URL', async () => {
    await inTurns([...forgedUrls.entries()], 10, async ([number, [what, downloadUrl]]) => {
      const id = `forged-${number}`;
      const { checksum } = room.registry.publish(pluginArchive({ id, version: '1.0.0' }), { ...usual, downloadUrl });
      const byUrl = downloadUrl !== '' && number % 2 === 0;
      const [path, body] = byUrl ? ['/install-from-url', { id, downloadUrl, checksum }] : ['/install', { id }];
      const answer = await acme.call('POST', path, body);
      expect([what, answer.status, answer.body.error.code]).toEqual([what, 502, 'DOWNLOAD_REFUSED']);
    });
    expect(await readdir(scratch)).toEqual([]);
  });
});

test('many tenants that install the same plugin at once wait for one download, and all have it', async () => {
  const { downloadUrl } = room.registry.publish(pluginArchive({ id: 'popular', version: '1.0.0' }));
  const tenants: Tenant[] = [];
  for (let count = 0; count < 12; count += 1) tenants.push(await room.tenant());
  const answers = await Promise.all(tenants.map((tenant) => tenant.call('POST', '/install', { id: 'popular' })));
  expect(answers.map(({ status }) => status)).toEqual(tenants.map(() => 201));
  expect(room.registry.downloads.get(new URL(downloadUrl).pathname)).toBe(1);
});

test('the token of a registry is shown where the registry is, and nowhere else', async () => {
  const here = room.registry.publish(pluginArchive({ id: 'private-one', version: '1.0.0' }), { needsToken: true });
  const open = room.registry.publish(pluginArchive({ id: 'open-one', version: '1.0.0' }));
  for (const id of ['private-one', 'open-one']) expect((await acme.call('POST', '/install', { id })).status).toBe(201);
  const shownAt = (url: string) => room.registry.shown.get(new URL(url).pathname);
  expect(shownAt(here.downloadUrl)).toBe(`Bearer ${room.registry.token}`);
  expect(shownAt(open.downloadUrl)).toBeUndefined();
  const stored = await acme.call('GET', '/private-one/audit');
  expect(JSON.stringify(stored.body)).not.toContain(room.registry.token);
});

function manyFiles(): Buffer {
  return writtenArchive(Array.from({ length: ENTRIES + 1 }, (_, number) => ({ name: `${number}.js` })));
}

/** So many at a time. */
async function inTurns<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce) await Promise.all(all.slice(from, from + atOnce).map(work));
}
