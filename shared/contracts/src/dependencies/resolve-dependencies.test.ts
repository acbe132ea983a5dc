import { expect, test } from '@jest/globals';
import { resolveDependencies, type DependencyCandidate } from './resolve-dependencies.ts';

type Shelf = Record<string, Record<string, Record<string, string>>>;

/** What registries have: by plugin and version, what that needs. Newest first. */
function resolve(
  dependencies: Record<string, string>,
  shelf: Shelf,
  {
    installed = {},
    minVersions = {},
  }: { installed?: Record<string, [string, Record<string, string>]>; minVersions?: Record<string, string> } = {},
) {
  const candidates = (id: string): Promise<DependencyCandidate[]> =>
    Promise.resolve(
      Object.entries(shelf[id] ?? {}).map(([version, needs]) => {
        const minVersion = minVersions[`${id} ${version}`];
        return { version, dependencies: needs, compatibility: minVersion === undefined ? {} : { minVersion } };
      }),
    );
  const there = Object.entries(installed).map(([pluginId, [version, needs]]) => {
    return { pluginId, version, dependencies: needs };
  });
  const root = { pluginId: 'top', version: '1.0.0', dependencies };
  return resolveDependencies(root, { installed: there, candidates, hostVersion: '1.7.0' });
}

async function order(...given: Parameters<typeof resolve>): Promise<string[]> {
  return (await resolve(...given)).map(({ pluginId, version }) => `${pluginId} ${version}`);
}

test('what is needed comes before who needs it, in the newest version that fits', async () => {
  const shelf = { a: { '2.0.0': {}, '1.4.0': { b: '*' }, '1.0.0': {} }, b: { '1.0.0': {} } };
  expect(await order({ a: '^1.0.0' }, shelf)).toEqual(['b 1.0.0', 'a 1.4.0']);
  expect(await order({}, shelf)).toEqual([]);
});

test('a diamond brings its bottom once, in a version that suits both sides', async () => {
  const shelf = {
    left: { '1.0.0': { base: '^1.0.0' } },
    right: { '1.0.0': { base: '>=1.0.0' } },
    base: { '2.0.0': {}, '1.5.0': {} },
  };
  expect(await order({ right: '*', left: '*' }, shelf)).toEqual(['base 1.5.0', 'right 1.0.0', 'left 1.0.0']);
});

test('an older version is taken where the newest does not fit together with the others', async () => {
  const shelf = {
    left: { '2.0.0': { base: '^2.0.0' }, '1.0.0': { base: '^1.0.0' } },
    right: { '1.0.0': { base: '^1.0.0' } },
    base: { '2.0.0': {}, '1.0.0': {} },
  };
  expect(await order({ left: '*', right: '*' }, shelf)).toEqual(['base 1.0.0', 'left 1.0.0', 'right 1.0.0']);
});

test('what is installed stays, and is enough where it fits', async () => {
  const shelf = { a: { '1.0.0': { base: '>=1.0.0' } }, base: { '2.0.0': {} } };
  expect(await order({ a: '*' }, shelf, { installed: { base: ['1.0.0', {}] } })).toEqual(['a 1.0.0']);
});

test.each<[string, Parameters<typeof resolve>, string]>([
  [
    'two that want different versions',
    [
      { left: '*', right: '*' },
      {
        left: { '1.0.0': { base: '^1.0.0' } },
        right: { '1.0.0': { base: '^2.0.0' } },
        base: { '2.0.0': {}, '1.0.0': {} },
      },
    ],
    'left 1.0.0 needs base ^1.0.0, right 1.0.0 needs base ^2.0.0, and there are only 2.0.0, 1.0.0',
  ],
  ['nothing anywhere', [{ gone: '>=1.0.0' }, {}], 'top 1.0.0 needs gone >=1.0.0, and no registry has it'],
  [
    'an installed version that is too old',
    [{ base: '^2.0.0' }, { base: { '2.0.0': {} } }, { installed: { base: ['1.0.0', {}] } }],
    'top 1.0.0 needs base ^2.0.0, and 1.0.0 is installed; update base first (POST /api/plugins/base/update)',
  ],
  [
    'a dependency for another host',
    [{ base: '*' }, { base: { '1.0.0': {} } }, { minVersions: { 'base 1.0.0': '9.0.0' } }],
    'top 1.0.0 needs base *, and 1.0.0 would do, but does not run on VerifyWise 1.7.0',
  ],
  [
    'a dependency that wants another version of who needs it',
    [{ a: '*' }, { a: { '1.0.0': { top: '^2.0.0' } } }],
    'a 1.0.0 needs top ^2.0.0, and 1.0.0 was asked for',
  ],
  [
    'a circle',
    [{ a: '*' }, { a: { '1.0.0': { b: '*' } }, b: { '1.0.0': { top: '*' } } }],
    'top needs a, a needs b, b needs top: plugins that need each other in a circle cannot be installed one before the other',
  ],
  [
    'a circle over what is installed',
    [{ a: '*' }, { a: { '1.0.0': { b: '*' } } }, { installed: { b: ['1.0.0', { a: '*' }] } }],
    'a needs b, b needs a: plugins that need each other in a circle cannot be installed one before the other',
  ],
])('%s cannot be had, and the reason is said in words', async (_name, given, reason) => {
  await expect(resolve(...given)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining(reason),
  });
});

test('what somebody has made to keep us busy is given up', async () => {
  const chain = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, at) => [`p${at}`, { '1.0.0': { [`p${at + 1}`]: '*' } }]),
  );
  const versions = Array.from({ length: 40 }, (_, at) => `1.${40 - at}.0`);
  // Each of its sixteen million ways leads to nothing.
  const fan = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((id) => [id, Object.fromEntries(versions.map((version) => [version, { bottom: '*' }]))]),
  );
  await expect(resolve({ p0: '*' }, chain)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringMatching(/^What top needs was not put together within \d+ tries/),
  });
  await expect(resolve({ a: '*', b: '*', c: '*', d: '*' }, fan)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining('needs bottom *, and no registry has it'),
  });
  const asked: string[] = [];
  const deep = Object.fromEntries(Object.entries(chain).slice(0, 1_500));
  for (const { pluginId } of await resolve({ p0: '*' }, { ...deep, p1500: { '1.0.0': {} } })) asked.push(pluginId);
  expect([asked.length, asked[0], asked.at(-1)]).toEqual([1_501, 'p1500', 'p0']);
});
