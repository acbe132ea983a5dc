import { expect, test } from '@jest/globals';
import { readListing } from './read-listing.ts';
import type { Registry } from './registry.ts';

const registry: Registry = {
  name: 'official',
  url: 'https://raw.githubusercontent.com/x/registry.json',
  verified: true,
  local: false,
  allowedHosts: ['github.com', '*.githubusercontent.com'],
  sealedToken: null,
};
const checksum = `sha256:${'a'.repeat(64)}`;

function entry(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'slack-notifications',
    name: 'Slack Notifications',
    description: 'Tells a channel what happens.',
    version: '1.0.0',
    author: { name: 'VerifyWise' },
    type: 'integration',
    tags: ['slack'],
    download: 'https://github.com/x/slack-notifications-1.0.0.zip',
    checksum,
    compatibility: { minVersion: '1.6' },
    permissions: ['events:listen'],
    dependencies: {},
    ...changes,
  };
}

function read(...plugins: unknown[]) {
  return readListing({ version: '1.0.0', generated: '2026-01-01T00:00:00Z', plugins }, registry);
}

test('an entry of the spec is read whole', async () => {
  const { version, updated, plugins, problems } = await read(entry());
  expect({ version, updated, problems }).toEqual({ version: '1.0.0', updated: '2026-01-01T00:00:00Z', problems: [] });
  expect(plugins).toEqual([
    {
      id: 'slack-notifications',
      name: 'Slack Notifications',
      description: 'Tells a channel what happens.',
      version: '1.0.0',
      author: { name: 'VerifyWise' },
      type: 'integration',
      tags: ['slack'],
      versions: [
        {
          version: '1.0.0',
          download: 'https://github.com/x/slack-notifications-1.0.0.zip',
          checksum,
          permissions: ['events:listen'],
          compatibility: { minVersion: '1.6.0' },
          dependencies: {},
        },
      ],
    },
  ]);
});

test('older spellings mean the same', async () => {
  const { plugins, problems } = await read(
    entry({ download: undefined, downloadUrl: 'https://github.com/x/y.zip', version: 'v1.2', author: 'Ada' }),
  );
  expect(problems).toEqual([]);
  expect(plugins[0]).toMatchObject({ version: '1.2.0', author: { name: 'Ada' } });
  expect(plugins[0]?.versions[0]).toMatchObject({ version: '1.2.0', download: 'https://github.com/x/y.zip' });
});

test('every version is known, newest first, and shown is the newest release', async () => {
  const download = 'https://github.com/x/other.zip';
  const { plugins, problems } = await read(
    entry({
      version: '1.10.0',
      versions: [
        { version: '1.9.0', download, checksum, permissions: ['config:read'], changelog: 'Nine' },
        { version: '2.0.0-beta.1', download, checksum },
        {
          version: '1.10.0',
          download: 'https://github.com/x/slack-notifications-1.0.0.zip',
          checksum,
          changelog: 'Ten',
        },
      ],
    }),
  );
  expect(problems).toEqual([]);
  expect(plugins[0]?.version).toBe('1.10.0');
  expect(plugins[0]?.versions.map(({ version, changelog }) => [version, changelog])).toEqual([
    ['2.0.0-beta.1', undefined],
    ['1.10.0', 'Ten'],
    ['1.9.0', 'Nine'],
  ]);
  expect(plugins[0]?.versions.at(-1)?.permissions).toEqual(['config:read']);
});

test.each([
  ['no id', { id: undefined }, /has no "id"/],
  ['an id that is a path of ours', { id: 'categories' }, /"id"/],
  ['an unknown type', { type: 'game' }, /"type"/],
  ['no checksum', { checksum: undefined }, /checksum/],
  ['a checksum of another kind', { checksum: 'md5:abc' }, /checksum/],
  ['no download', { download: undefined }, /neither "download" nor "downloadUrl"/],
  ['a download from elsewhere', { download: 'https://evil.example/x.zip' }, /host evil\.example is not allowed/],
  ['a download without encryption', { download: 'http://github.com/x.zip' }, /not https/],
  ['a host that only looks allowed', { download: 'https://githubusercontent.com.evil.example/x' }, /not allowed/],
])('an entry with %s is left out with the reason, the others stay', async (_what, changes, reason) => {
  const { plugins, problems } = await read(entry(changes), entry({ id: 'good' }));
  expect(plugins.map(({ id }) => id)).toEqual(['good']);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.reason).toMatch(reason);
});

test('what is no entry at all is named by its place', async () => {
  expect((await read('nonsense', null, entry())).problems.map(({ plugin }) => plugin)).toEqual(['entry 1', 'entry 2']);
});

test('an id that is listed twice counts once', async () => {
  const { plugins, problems } = await read(entry({ name: 'First' }), entry({ name: 'Second' }));
  expect(plugins.map(({ name }) => name)).toEqual(['First']);
  expect(problems).toEqual([{ plugin: 'slack-notifications', reason: expect.stringContaining('twice') }]);
});

test('a bad version is left out alone, and so is an icon from elsewhere', async () => {
  const { plugins, problems } = await read(
    entry({ icon: 'https://evil.example/i.png', versions: [{ version: '0.9.0', download: 'ftp://x', checksum }] }),
  );
  expect(plugins[0]?.versions.map(({ version }) => version)).toEqual(['1.0.0']);
  expect(plugins[0]).not.toHaveProperty('icon');
  expect(problems.map(({ version }) => version)).toEqual(['0.9.0', undefined]);
});

test('a document without plugins is an invalid registry', async () => {
  for (const document of [null, [], {}, { plugins: 'none' }]) {
    await expect(readListing(document, registry)).rejects.toMatchObject({ code: 'REGISTRY_INVALID' });
  }
});

test('a registry that is full of mistakes does not fill our memory with them', async () => {
  const { problems } = await read(...Array.from({ length: 3_000 }, () => ({ id: 'x'.repeat(5_000) })));
  expect(problems).toHaveLength(1_001);
  expect(problems.at(-1)?.reason).toBe('There are 2000 more; mend these first');
  for (const { plugin, reason } of problems) expect(plugin.length + reason.length).toBeLessThanOrEqual(1_100);
});

test('whatever an entry has in place of what belongs there, it is read or left out, and what is read can be stored', async () => {
  const oddities: unknown[] = [
    ...[null, true, 0, -1, 1e308, '', ' ', '\u0000', '\ud800', 'x'.repeat(100_000), [], {}, [[]], [null]],
    ...[
      { name: 1 },
      { toString: 'no' },
      ['\u0000'],
      JSON.parse('{"__proto__": {"name": "x"}}') as unknown,
      'javascript:alert(1)',
    ],
    ...['https://github.com/\u0000.zip', 'https://github.com\\@evil.example/x', '../..', '9'.repeat(400), '1.0.0-'],
  ];
  const whole = entry({
    versions: [],
    changelog: 'text',
    icon: 'https://github.com/i.png',
    homepage: 'https://x.example',
  });
  const entries: unknown[] = [];
  for (const field of Object.keys(whole)) {
    for (const odd of oddities) {
      entries.push({ ...whole, id: `plugin-${entries.length}`, [field]: odd });
      entries.push(entry({ id: `plugin-${entries.length}`, versions: [{ ...whole, [field]: odd }] }));
    }
  }
  const listing = await read(...entries);
  expect(listing.plugins.length).toBeGreaterThan(100);
  expect(listing.problems.length).toBeGreaterThan(100);
  const written = JSON.stringify(listing);
  expect(written).not.toMatch(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/);
  expect(({} as Record<string, unknown>)['name']).toBeUndefined();
  const allowed = /^https:\/\/(github\.com|raw\.githubusercontent\.com)\//;
  for (const { versions } of listing.plugins) for (const { download } of versions) expect(download).toMatch(allowed);
});
