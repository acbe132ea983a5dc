import { describe, expect, test } from '@jest/globals';
import { isFrameAddress, isOwnPath } from './ui-address.ts';
import { readUiExtensions } from './ui-extensions.ts';

const widget = { widgetId: 'stats', title: 'Statistics', template: 'stats-card', endpoint: '/stats' };
const read = (offered: { widgets?: unknown[]; pages?: unknown[] }) =>
  readUiExtensions('my-plugin', { widgets: [], pages: [], ...offered });

test('what is right is kept in its order, whoever it says it belongs to', () => {
  const config = { refreshInterval: 30, limit: 10, compact: true, palette: ['red'] };
  const { widgets, pages, issues } = read({
    widgets: [
      { ...widget, pluginId: 'another', config },
      { ...widget, widgetId: 'second' },
    ],
    pages: [
      { title: 'Board', type: 'iframe', url: 'https://board.example.com/x?y=1', pluginId: 'another' },
      { title: 'Own', type: 'iframe', url: '/board' },
      { title: 'List', type: 'template', template: 'list', endpoint: '/items?open=1', icon: 'list' },
      { title: 'Data', type: 'api', endpoint: '/data' },
    ],
  });
  expect(issues).toEqual([]);
  expect(widgets).toEqual([
    { ...widget, pluginId: 'my-plugin', config },
    { ...widget, widgetId: 'second', pluginId: 'my-plugin' },
  ]);
  expect(pages.map(({ title, pluginId }) => [title, pluginId])).toEqual([
    ...[
      ['Board', 'my-plugin'],
      ['Own', 'my-plugin'],
      ['List', 'my-plugin'],
      ['Data', 'my-plugin'],
    ],
  ]);
});

describe('what is wrong is left out, and the issue says which field and why', () => {
  test.each<[Record<string, unknown>, string, RegExp]>([
    [{ widgetId: undefined }, '/widgetId', /has no "widgetId"/],
    [{ widgetId: '' }, '/widgetId', /empty/],
    [{ widgetId: 7 }, '/widgetId', /type string/],
    [{ title: undefined }, '/title', /has no "title"/],
    [{ title: 'x'.repeat(101) }, '/title', /longer than 100/],
    [{ template: 'hologram' }, '/template', /not allowed/],
    [{ template: undefined }, '/template', /has no "template"/],
    [{ endpoint: 'stats' }, '/endpoint', /no path of the plugin's own/],
    [{ endpoint: 'https://elsewhere.example.com/' }, '/endpoint', /no path of the plugin's own/],
    [{ endpoint: '/../other-plugin/secrets' }, '/endpoint', /no path of the plugin's own/],
    [{ config: { refreshInterval: 0 } }, '/config/refreshInterval', /out of range/],
    [{ config: { refreshInterval: 'often' } }, '/config/refreshInterval', /type number/],
    [{ config: { columns: 13 } }, '/config/columns', /out of range/],
    [{ config: { compact: 'yes' } }, '/config/compact', /type boolean/],
    [{ config: [] }, '/config', /type object/],
    [{ more: 'x'.repeat(20_000) }, '', /characters as JSON/],
  ])('a widget with %j', (wrong, path, why) => {
    const { widgets, issues } = read({ widgets: [widget, { ...widget, widgetId: 'wrong', ...wrong }] });
    expect(widgets.map(({ widgetId }) => widgetId)).toEqual(['stats']);
    expect(issues).toEqual([
      { path: `/dashboardWidgets/1${path}`, message: expect.stringMatching(why), hint: expect.stringMatching(/./) },
    ]);
  });

  test.each<[Record<string, unknown>, string, RegExp]>([
    [{ title: undefined, type: 'api', endpoint: '/x' }, '/title', /has no "title"/],
    [{ type: undefined }, '/type', /has no "type"/],
    [{ type: 'popup' }, '/type', /unknown type/],
    [{ type: 'template', endpoint: '/x' }, '/template', /has no "template"/],
    [{ type: 'template', template: 'list' }, '/endpoint', /has no "endpoint"/],
    [{ type: 'api' }, '/endpoint', /has no "endpoint"/],
    [{ type: 'iframe' }, '/url', /has no "url"/],
    [{ type: 'iframe', url: 'http://plain.example.com' }, '/url', /cannot be shown in a frame/],
    [{ type: 'iframe', url: 'javascript:alert(1)' }, '/url', /cannot be shown in a frame/],
    [{ type: 'iframe', url: '//elsewhere.example.com' }, '/url', /cannot be shown in a frame/],
  ])('a page with %j', (wrong, path, why) => {
    const { pages, issues } = read({ pages: [{ title: 'Page', ...wrong }] });
    expect(pages).toEqual([]);
    expect(issues).toEqual([
      { path: `/pages/0${path}`, message: expect.stringMatching(why), hint: expect.stringMatching(/./) },
    ]);
  });

  test.each([null, undefined, 'stats', 7, [[]], [widget]].map((entry) => [entry]))(
    '%j in the place of both',
    (entry) => {
      const { widgets, pages, issues } = read({ widgets: [entry], pages: [entry] });
      expect([...widgets, ...pages]).toEqual([]);
      expect(issues.map(({ path }) => path)).toEqual(['/dashboardWidgets/0', '/pages/0']);
    },
  );
});

test('the second widget of one id is left out; said twice in the same words it is only said once', () => {
  const { widgets, issues } = read({ widgets: [widget, { ...widget }, { ...widget, title: 'Another' }] });
  expect(widgets).toHaveLength(1);
  expect(issues).toMatchObject([{ path: '/dashboardWidgets/2/widgetId', message: expect.stringContaining('"stats"') }]);
});

test('a plugin that offers very much offers a bounded part of it', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => ({ ...widget, widgetId: `w${index}` }));
  const { widgets, issues } = read({ widgets: many });
  expect(widgets).toHaveLength(50);
  expect(issues).toHaveLength(1);
});

test.each([
  ['/', true],
  ['/a/b.json?x=/../y&z=ü', true],
  ['/ünïcode/{id}', true],
  ['//host/a', false],
  ['/a/../b', false],
  ['/a/%2e%2e/b', false],
  ['/a\\b', false],
  ['/a b', false],
  ['/a#b', false],
  ['/a\nb', false],
  ['a', false],
  ['', false],
])('%j as a path of its own: %s', (text, fits) => {
  expect(isOwnPath(text)).toBe(fits);
});

test.each([
  ['https://example.com/', true],
  ['https://user:password@example.com/', false],
  ['https://', false],
  ['data:text/html,x', false],
])('%j in a frame: %s', (text, fits) => {
  expect(isFrameAddress(text)).toBe(fits);
});
