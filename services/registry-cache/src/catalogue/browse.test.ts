import type { InstalledPlugin, PluginState } from '@verifywise/contracts';
import { expect, test } from '@jest/globals';
import { browse, type BrowseQuery } from './browse.ts';
import { Catalogue, registryEntry, versionOf } from './catalogue.ts';
import { categories, tags } from './counts.ts';
import { dependencyPlan } from './dependency-plan.ts';
import { installedById } from './installed-flags.ts';
import { aListing, aPlugin, aRegistry, aVersion } from './testing/listed-plugins.ts';

const HOST = '1.7.0';
const official = aRegistry('official');
const catalogue = new Catalogue(
  [
    {
      registry: official,
      listing: aListing(
        aPlugin('slack', {
          name: 'Slack',
          type: 'integration',
          tags: ['chat', 'alerts'],
          version: '1.1.0',
          versions: [aVersion('1.1.0'), aVersion('1.0.0')],
        }),
        aPlugin('jira', {
          name: 'Jira',
          type: 'integration',
          tags: ['tickets', 'alerts'],
          versions: [aVersion('1.0.0', { dependencies: { slack: '^1.0.0', notes: '>=1.0.0' } })],
        }),
        aPlugin('notes', { name: 'Notes', versions: [aVersion('1.0.0')] }),
        aPlugin('future', {
          name: 'Future',
          version: '2.0.0',
          versions: [aVersion('2.0.0', { compatibility: { minVersion: '9.0.0' } }), aVersion('1.0.0')],
        }),
      ),
    },
    {
      registry: aRegistry('other', { verified: false }),
      listing: aListing(aPlugin('slack', { name: 'Slack, but not theirs' }), aPlugin('zeta')),
    },
  ],
  HOST,
);

function installed(...plugins: [string, string, PluginState?][]) {
  return installedById(
    plugins.map(([pluginId, version, state = 'enabled']): InstalledPlugin => ({
      ...{ pluginId, version, state },
      enabled: state === 'enabled',
      generation: 1,
    })),
  );
}

function ids(query: Partial<BrowseQuery>, own = installed()): string[] {
  return browse(catalogue, own, HOST, { page: 1, limit: 100, ...query }).offers.map(({ plugin }) => plugin.id);
}

test('an id belongs to the first registry that has it, and the other is told so', () => {
  expect(catalogue.find('slack')?.registry.name).toBe('official');
  expect(catalogue.problemsOf('other')).toEqual([
    { plugin: 'slack', reason: 'The registry official has a plugin with this id' },
  ]);
});

test('flags say what the tenant has', () => {
  const own = installed(['slack', '1.0.0'], ['jira', '1.0.0', 'disabled'], ['notes', '1.0.0', 'uninstalled']);
  const { offers } = browse(catalogue, own, HOST, { page: 1, limit: 100 });
  const flags = Object.fromEntries(offers.map(({ plugin, flags: one }) => [plugin.id, one]));
  expect(flags['slack']).toEqual({ installed: true, installedVersion: '1.0.0', enabled: true, hasUpdate: true });
  expect(flags['jira']).toEqual({ installed: true, installedVersion: '1.0.0', enabled: false, hasUpdate: false });
  expect(flags['notes']).toEqual({ installed: false, installedVersion: null, enabled: false, hasUpdate: false });
});

test('a newer version that does not run here is no update', () => {
  expect(ids({ installed: 'updates' }, installed(['future', '1.0.0'], ['slack', '1.0.0']))).toEqual(['slack']);
});

test('filters narrow, and together they narrow further', () => {
  expect(ids({ type: 'integration' })).toEqual(['jira', 'slack']);
  expect(ids({ tag: 'ALERTS', search: 'jira' })).toEqual(['jira']);
  expect(ids({ installed: 'true' }, installed(['notes', '1.0.0']))).toEqual(['notes']);
  expect(ids({ installed: 'false', type: 'integration' }, installed(['jira', '1.0.0']))).toEqual(['slack']);
});

test('pages follow each other, and the total is of all', () => {
  const page = (number: number) => browse(catalogue, installed(), HOST, { sort: 'name', page: number, limit: 2 });
  expect(page(1).offers.map(({ plugin }) => plugin.id)).toEqual(['future', 'jira']);
  expect(page(3).offers.map(({ plugin }) => plugin.id)).toEqual(['zeta']);
  expect(page(3).total).toBe(5);
  expect(ids({ sort: '-name' })[0]).toBe('zeta');
});

test('types and tags are counted, most used first', () => {
  expect(categories(catalogue)).toEqual([
    { type: 'feature', count: 3, label: 'Feature' },
    { type: 'integration', count: 2, label: 'Integration' },
  ]);
  expect(tags(catalogue)[0]).toEqual({ tag: 'alerts', count: 2 });
});

test('another version is found by however it is written', () => {
  const slack = catalogue.find('slack');
  expect(slack && versionOf(slack.plugin, '1.0')?.version).toBe('1.0.0');
  expect(slack && versionOf(slack.plugin)?.version).toBe('1.1.0');
  expect(slack && versionOf(slack.plugin, '3.0.0')).toBeUndefined();
});

test('an entry for the installer names its registry and what may be downloaded', () => {
  const slack = catalogue.find('slack');
  const version = slack && versionOf(slack.plugin);
  if (slack === undefined || version === undefined) throw new Error('slack is in the catalogue');
  expect(registryEntry(slack, version)).toMatchObject({
    ...{ id: 'slack', version: '1.1.0', downloadUrl: 'https://github.com/x/1.1.0.zip' },
    ...{ registry: 'official', verified: true, local: false },
    allowedHosts: ['github.com', 'official.example'],
  });
});

test('the plan has what is needed before what needs it, and leaves alone what is there', async () => {
  const jira = catalogue.find('jira')?.plugin;
  if (jira === undefined) throw new Error('jira is in the catalogue');
  expect(await dependencyPlan(catalogue, jira, installed(['notes', '1.0.0']), HOST)).toEqual({
    steps: [
      { id: 'slack', range: '^1.0.0', version: '1.1.0', action: 'install' },
      { id: 'notes', range: '>=1.0.0', version: '1.0.0', action: 'none' },
      { id: 'jira', range: '=1.0.0', version: '1.0.0', action: 'install' },
    ],
    conflict: null,
  });
});

test('a circle of dependencies ends, and what nobody lists is impossible', async () => {
  const circular = new Catalogue(
    [
      {
        registry: official,
        listing: aListing(
          aPlugin('a', { versions: [aVersion('1.0.0', { dependencies: { b: '*', missing: '*' } })] }),
          aPlugin('b', { versions: [aVersion('1.0.0', { dependencies: { a: '*' } })] }),
        ),
      },
    ],
    HOST,
  );
  const a = circular.find('a')?.plugin ?? aPlugin('a');
  const { steps, conflict } = await dependencyPlan(circular, a, installed(), HOST);
  expect(conflict).toBe('a 1.0.0 needs missing *, and no registry has it');
  expect(steps.map(({ id, action }) => `${id} ${action}`)).toEqual(['b install', 'missing impossible', 'a install']);
});

function planOf(plugins: Record<string, Record<string, Record<string, string>>>, id: string, own = installed()) {
  const listing = aListing(
    ...Object.entries(plugins).map(([name, versions]) => {
      const all = Object.entries(versions).map(([version, dependencies]) => aVersion(version, { dependencies }));
      return aPlugin(name, { versions: all, version: all[0]?.version ?? '1.0.0' });
    }),
  );
  const one = new Catalogue([{ registry: official, listing }], HOST);
  const plugin = one.find(id)?.plugin ?? aPlugin(id);
  return dependencyPlan(one, plugin, own, HOST);
}

test('a plugin that two others need comes once, in a version that suits both', async () => {
  const diamond = {
    top: { '1.0.0': { left: '*', right: '*' } },
    left: { '1.0.0': { base: '>=1.0.0' } },
    right: { '1.0.0': { base: '^1.0.0' } },
    base: { '2.0.0': {}, '1.5.0': {}, '1.0.0': {} },
  };
  expect((await planOf(diamond, 'top')).steps.map(({ id, version }) => `${id} ${version}`)).toEqual([
    ...['base 1.5.0', 'left 1.0.0', 'right 1.0.0', 'top 1.0.0'],
  ]);
  const quarrel = { ...diamond, left: { '1.0.0': { base: '^2.0.0' } } };
  const { steps, conflict } = await planOf(quarrel, 'top');
  expect(conflict).toContain('left 1.0.0 needs base ^2.0.0, right 1.0.0 needs base ^1.0.0');
  expect(steps.find(({ id }) => id === 'base')).toMatchObject({
    action: 'impossible',
    reason: 'No version suits all who need it: left needs ^2.0.0, right needs ^1.0.0',
  });
});

test('an older version is planned where the newest does not fit together with the others, or with what is there', async () => {
  const plugins = {
    top: { '1.0.0': { left: '*', right: '*' } },
    left: { '2.0.0': { base: '^2.0.0' }, '1.0.0': { base: '^1.0.0' } },
    right: { '1.0.0': { base: '^1.0.0' } },
    base: { '2.0.0': {}, '1.0.0': {} },
  };
  const planned = async (...own: [string, string][]) => {
    const { steps, conflict } = await planOf(plugins, 'top', installed(...own));
    return [...steps.map(({ id, version, action }) => `${action} ${id} ${version ?? ''}`), conflict];
  };
  const rest = ['install left 1.0.0', 'install right 1.0.0', 'install top 1.0.0', null];
  expect(await planned()).toEqual(['install base 1.0.0', ...rest]);
  expect(await planned(['base', '1.0.0'])).toEqual(['none base 1.0.0', ...rest]);
});

test('an installed version that does not suit is to be updated first', async () => {
  const plugins = { top: { '1.0.0': { base: '^2.0.0' } }, base: { '2.1.0': {}, '1.0.0': {} } };
  const { steps, conflict } = await planOf(plugins, 'top', installed(['base', '1.0.0']));
  expect(conflict).toContain('1.0.0 is installed; update base first');
  expect(steps[0]).toEqual({
    ...{ id: 'base', range: '^2.0.0', version: '2.1.0', action: 'update' },
  });
});

test('a chain of ten thousand dependencies overflows nothing', async () => {
  const chain = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, at) => [`p-${at}`, { '1.0.0': { [`p-${at + 1}`]: '*' } }]),
  );
  expect((await planOf(chain, 'p-0')).steps.at(-1)).toMatchObject({ id: 'p-0', action: 'install' });
});
