import { describe, expect, test } from '@jest/globals';
import type { ManifestProfile } from './schema.ts';
import { readManifest } from './read-manifest.ts';

/** The example of S:4. */
const slack = {
  id: 'slack-notifications',
  name: 'Slack Notifications',
  description: 'Send real-time notifications to Slack channels.',
  version: '1.0.0',
  author: { name: 'VerifyWise', url: 'https://verifywise.ai' },
  homepage: 'https://docs.verifywise.ai/plugins/slack-notifications',
  repository: 'https://github.com/bluewave-labs/verifywise-apps',
  support: 'https://github.com/bluewave-labs/verifywise-apps/issues',
  type: 'integration',
  tags: ['slack', 'notifications'],
  permissions: ['events:listen', 'config:read', 'http:outbound'],
  config: {
    webhookUrl: { type: 'string', required: true, secret: true, description: 'Slack webhook URL' },
    notifyOnRisks: { type: 'boolean', required: false, default: true },
    retries: { type: 'number', default: 3, min: 0, max: 5 },
    channels: { type: 'array', items: { type: 'object', properties: { name: { type: 'string', required: true } } } },
  },
  compatibility: { minVersion: '1.6.0' },
  dependencies: { 'other-plugin-id': '>=1.0.0' },
};

/** The least that S:258 asks for. */
const smallest = {
  id: 'hello',
  name: 'Hello',
  description: 'Says hello.',
  version: '1.0',
  author: { name: 'Me' },
  type: 'feature',
  tags: [],
  permissions: [],
};

function accepted(json: unknown, profile: ManifestProfile) {
  const reading = readManifest(json, profile);
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  return reading;
}

function pathsRefused(json: unknown, profile: ManifestProfile): string[] {
  const reading = readManifest(json, profile);
  return reading.ok ? [] : reading.issues.map(({ path }) => path);
}

describe.each(['publish', 'install'] as const)('in the %s profile', (profile) => {
  test('the example of the specification is read as it is', () => {
    expect(accepted(slack, profile)).toEqual({ ok: true, manifest: slack, warnings: [] });
  });

  test('what is absent gets its default and two-part versions their third', () => {
    const { manifest } = accepted({ ...smallest, compatibility: { minVersion: '1.6', maxVersion: '2.0' } }, profile);
    expect(manifest).toEqual({
      ...smallest,
      version: '1.0.0',
      config: {},
      compatibility: { minVersion: '1.6.0', maxVersion: '2.0.0' },
      dependencies: {},
    });
  });

  test.each([
    [{ id: undefined }, '/id'],
    [{ id: 'Bad' }, '/id'],
    [{ id: 'a--b' }, '/id'],
    [{ id: 'a'.repeat(51) }, '/id'],
    [{ id: 'upload' }, '/id'],
    [{ id: 'ui-extensions' }, '/id'],
    [{ id: 7 }, '/id'],
    [{ name: '' }, '/name'],
    [{ name: 'n'.repeat(51) }, '/name'],
    [{ description: 'd'.repeat(201) }, '/description'],
    [{ version: '1' }, '/version'],
    [{ version: 'latest' }, '/version'],
    [{ version: '1.2.3.4' }, '/version'],
    [{ author: {} }, '/author/name'],
    [{ author: 7 }, '/author'],
    [{ type: 'theme' }, '/type'],
    [{ type: undefined }, '/type'],
    [{ tags: 'a' }, '/tags'],
    [{ permissions: {} }, '/permissions'],
    [{ compatibility: { minVersion: 'new' } }, '/compatibility/minVersion'],
    [{ compatibility: { minVersion: '2.0', maxVersion: '1.0' } }, '/compatibility'],
    [{ compatibility: [] }, '/compatibility'],
    [{ dependencies: { other: 'soon' } }, '/dependencies/other'],
    [{ dependencies: { Other: '*' } }, '/dependencies/Other'],
    [{ dependencies: { hello: '*' } }, '/dependencies/hello'],
    [{ dependencies: ['other'] }, '/dependencies'],
    [{ config: [] }, '/config'],
    [{ config: { a: 'string' } }, '/config/a'],
    [{ config: { a: {} } }, '/config/a/type'],
    [{ config: { a: { type: 'date' } } }, '/config/a/type'],
    [{ config: { '1a': { type: 'string' } } }, '/config/1a'],
    [{ config: { constructor: { type: 'string' } } }, '/config/constructor'],
    [{ config: { a: { type: 'string', default: 7 } } }, '/config/a/default'],
    [{ config: { a: { type: 'string', enum: ['x'], default: 'y' } } }, '/config/a/default'],
    [{ config: { a: { type: 'string', enum: [] } } }, '/config/a/enum'],
    [{ config: { a: { type: 'string', pattern: '(a+' } } }, '/config/a/pattern'],
    [{ config: tooManyPatterns() }, '/config'],
    [{ config: { a: { type: 'string', minLength: 3, maxLength: 2 } } }, '/config/a'],
    [{ config: { a: { type: 'number', min: 3, default: 2 } } }, '/config/a/default'],
    [{ config: { a: { type: 'number', min: 3, max: 2 } } }, '/config/a'],
    [{ config: { a: { type: 'array', items: { type: 'x' } } } }, '/config/a/items/type'],
    [{ config: { a: { type: 'object', properties: { b: 1 } } } }, '/config/a/properties/b'],
    [{ name: 'a\u0000' }, '/name'],
    [{ description: '\udfff' }, '/description'],
  ])('%j is refused', (change, path) => {
    expect(pathsRefused({ ...smallest, ...change }, profile)).toEqual([path]);
  });

  test('every problem is told at once, also a contradiction beside a mistake', () => {
    const broken = {
      ...smallest,
      id: 'X',
      type: 'theme',
      config: { a: { type: 'number', min: 2, max: 1 } },
      dependencies: { other: '?' },
    };
    expect(pathsRefused(broken, profile).toSorted()).toEqual(['/config/a', '/dependencies/other', '/id', '/type']);
  });

  test('every issue has a sentence and a hint', () => {
    const reading = readManifest({ ...smallest, id: 'X', version: 1, config: 7, type: '' }, profile);
    if (reading.ok) throw new Error('was accepted');
    for (const issue of reading.issues)
      expect(issue).toEqual({
        path: expect.any(String),
        message: expect.stringMatching(/./),
        hint: expect.stringMatching(/./),
      });
  });

  test.each([null, true, 0, '', 'text', [], [[]], [slack], NaN].map((value) => [value]))('%j is refused', (json) => {
    expect(pathsRefused(json, profile)).toEqual(['']);
  });

  test('a key that would change the prototype is refused, wherever it is', () => {
    const polluting = JSON.parse(
      '{"config": {"a": {"type": "object", "default": {"__proto__": {"admin": true}}}}}',
    ) as object;
    expect(pathsRefused({ ...smallest, ...polluting }, profile)).toEqual(['/config/a/default']);
    expect(pathsRefused(JSON.parse('{"__proto__": {"id": "x"}}'), profile)).toEqual(['']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('an enormous or bottomless manifest is one short issue', () => {
    const deep = JSON.parse(`${'{"items":'.repeat(5_000)}1${'}'.repeat(5_000)}`) as unknown;
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));
    expect(pathsRefused(deep, profile)).toEqual(['']);
    expect(pathsRefused({ ...smallest, config: { a: deep } }, profile)).toEqual(['']);
    expect(pathsRefused(wide, profile)).toEqual(['']);
    expect(pathsRefused({ ...smallest, tags: Array.from({ length: 100_000 }, () => '') }, profile)).toEqual(['']);
    expect(pathsRefused({ ...smallest, name: 'n'.repeat(2_000_000) }, profile)).toEqual(['']);
  });

  test('a great many problems are cut to those a person will read', () => {
    const many = <Value>(count: number, value: Value) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
    const config = many(50, { type: 'object', properties: many(100, 7) });
    expect(pathsRefused({ ...smallest, config }, profile)).toHaveLength(101);
    expect(pathsRefused({ ...smallest, config: many(5_000, 7) }, profile)).toEqual(['/config']);
  });

  test('long keys above many values are one short issue, not one text for each value', () => {
    const long = 'k'.repeat(500);
    expect(pathsRefused({ ...smallest, ui: { [`${long}k`]: 1 } }, profile)).toEqual(['']);
    expect(pathsRefused({ ...smallest, ui: { [long]: { [long]: Array(6_000).fill(0) } } }, profile)).toEqual(['']);
  });

  test('a default that breaks a million rules is refused with as many issues as others', () => {
    const required = Array.from({ length: 200 }, (_, at) => [`f${at}`, { type: 'string', required: true }] as const);
    const items = { type: 'object', properties: Object.fromEntries(required) };
    const list = { type: 'array', items, default: Array(5_000).fill({}) };
    const config = { inner: { type: 'object', properties: { list } } };
    const reading = readManifest({ ...smallest, config }, profile);
    if (reading.ok) throw new Error('was accepted');
    expect(reading.issues).toHaveLength(101);
    expect(reading.issues.at(-1)?.message).toBe('There are more than 9900 more problems');
  });

  test('an issue does not repeat all the choices there are', () => {
    const choices = Array.from({ length: 900 }, (_, at) => `${'c'.repeat(500)}${at}`);
    const items = { type: 'string', enum: choices };
    const reading = readManifest(
      { ...smallest, config: { a: { type: 'array', items, default: ['x', 'y'] } } },
      profile,
    );
    if (reading.ok) throw new Error('was accepted');
    expect(reading.issues.map(({ hint }) => hint.length > 500 && hint.length < 1_100)).toEqual([true, true]);
  });

  test('defaults that multiply are refused, and such as are filled in once are not', () => {
    const listOf = (inner: object, items: number) => ({
      type: 'array',
      items: { type: 'object', properties: { inner } },
      default: Array(items).fill({}),
    });
    const levels = (count: number, items: number): object =>
      count === 0 ? { type: 'string', default: 'x' } : listOf(levels(count - 1, items), items);
    expect(pathsRefused({ ...smallest, config: { a: levels(9, 10) } }, profile)).toEqual(['/config']);
    expect(pathsRefused({ ...smallest, config: { a: levels(4, 10) } }, profile)).toEqual(['/config/a/items']);
    expect(pathsRefused({ ...smallest, config: { a: levels(2, 10) } }, profile)).toEqual([]);
    expect(pathsRefused({ ...smallest, config: { a: levels(9, 1) } }, profile)).toEqual([]);
    const long = { type: 'string', default: 'x'.repeat(10_000) };
    expect(pathsRefused({ ...smallest, config: { long, a: listOf({ type: 'string' }, 3) } }, profile)).toEqual([]);
    expect(pathsRefused({ ...smallest, config: { a: listOf(long, 0) } }, profile)).toEqual(['/config/a/items']);
  });

  test('ui is kept as it was given', () => {
    const ui = { page: { title: 'Board', type: 'iframe', url: '/board' } };
    expect(accepted({ ...smallest, ui }, profile).manifest.ui).toEqual(ui);
  });
});

describe('publish is strict', () => {
  test('about what the plugin shows', () => {
    const ui = {
      dashboardWidgets: [
        { widgetId: 'a', title: 'A', template: 'list', endpoint: '/a' },
        { widgetId: 'b', title: 'B' },
      ],
      page: { title: 'Page', type: 'iframe', url: 'http://plain.example.com' },
    };
    expect(pathsRefused({ ...smallest, ui }, 'publish').toSorted()).toEqual([
      ...['/ui/dashboardWidgets/1/endpoint', '/ui/dashboardWidgets/1/template', '/ui/page/url'],
    ]);
    expect(accepted({ ...smallest, ui }, 'install').manifest.ui).toEqual(ui);
  });

  test.each([
    [{ tags: undefined }, '/tags'],
    [{ permissions: undefined }, '/permissions'],
    [{ author: 'Me' }, '/author'],
    [{ version: 'v1.0.0' }, '/version'],
    [{ homepage: 'javascript:alert(1)' }, '/homepage'],
    [{ support: 'ask me' }, '/support'],
    [{ permissions: ['root:all'] }, '/permissions/0'],
    [{ permissions: ['events:subscribe'] }, '/permissions/0'],
    [{ license: 'MIT' }, '/license'],
    [{ _note: 'x' }, '/_note'],
    [{ compatibility: { minCoreVersion: '1.0' } }, '/compatibility/minCoreVersion'],
    [{ config: { a: { type: 'select', options: ['x'] } } }, '/config/a/type'],
    [{ config: { a: { type: 'string', min: 1 } } }, '/config/a/min'],
    [{ config: { a: { type: 'string', label: 'A' } } }, '/config/a/label'],
    [{ config: { a: { type: 'string', pattern: '^(?=.*[A-Z]).+$' } } }, '/config/a/pattern'],
  ])('%j is refused', (change, path) => {
    expect(pathsRefused({ ...smallest, ...change }, 'publish')).toEqual([path]);
  });
});

describe('install understands older spellings', () => {
  test('a manifest of the old kind becomes one of today', () => {
    const old = {
      $schema: 'x',
      _comment: 'x',
      id: 'old',
      name: 'Old',
      description: 'From long ago.',
      version: 'v2.1',
      author: 'Ann',
      authorUrl: 'https://ann.example',
      supportUrl: 'https://ann.example/help',
      type: 'feature',
      permissions: ['events:subscribe', 'read:risks', 'write:risks', 'models:use', 'read:users', 'fly'],
      config: {
        _note: 'x',
        mode: { type: 'select', label: 'Mode', options: ['a', { value: 'b', label: 'B' }, 3], default: 'a' },
        limit: { type: 'number', minLength: 3, placeholder: '10' },
      },
      compatibility: { minCoreVersion: 'v1.5', maxCoreVersion: '2.0.0' },
      license: 'MIT',
      keywords: ['old'],
      faq: [{ question: 'Why?', answer: 'Because.' }],
      changelog: [{ version: '2.1', changes: ['All'] }],
      colour: 'red',
    };
    const { manifest, warnings } = accepted(old, 'install');
    expect(manifest).toEqual({
      id: 'old',
      name: 'Old',
      description: 'From long ago.',
      version: '2.1.0',
      author: { name: 'Ann', url: 'https://ann.example' },
      support: 'https://ann.example/help',
      type: 'feature',
      tags: [],
      permissions: ['events:listen', 'database:read', 'database:write', 'models:define'],
      config: {
        mode: { type: 'string', label: 'Mode', enum: ['a', 'b', '3'], enumLabels: ['a', 'B', '3'], default: 'a' },
        limit: { type: 'number', placeholder: '10' },
      },
      compatibility: { minVersion: '1.5.0', maxVersion: '2.0.0' },
      dependencies: {},
      license: 'MIT',
      keywords: ['old'],
      faq: [{ question: 'Why?', answer: 'Because.' }],
      changelog: [{ version: '2.1', changes: ['All'] }],
    });
    const told = warnings.map(({ path }) => path);
    expect(told).toEqual(expect.arrayContaining(['/colour', '/tags', '/permissions/5', '/config/limit/minLength']));
    expect(told).not.toContain('/_comment');
  });

  test('what only informs and cannot be used is left out with a warning', () => {
    const odd = {
      ...smallest,
      author: { name: 'Me', url: 'javascript:alert(1)' },
      homepage: 'javascript:alert(1)',
      faq: 7,
      changelog: [{ version: 1 }],
      ui: 'x',
      tags: ['a', 7, '', 'a'],
    };
    const { manifest, warnings } = accepted(odd, 'install');
    expect(manifest).toEqual({
      ...smallest,
      version: '1.0.0',
      tags: ['a'],
      config: {},
      compatibility: {},
      dependencies: {},
    });
    expect(new Set(warnings.map(({ path }) => path.split('/')[1]))).toEqual(
      new Set(['author', 'homepage', 'faq', 'changelog', 'ui', 'tags']),
    );
  });

  test('a pattern that cannot be matched in bounded time is left out with a warning', () => {
    const config = {
      a: { type: 'string', pattern: '^(?=.*[A-Z]).+$', minLength: 8 },
      b: { type: 'array', items: { type: 'string', pattern: String.raw`(.)\1` } },
      c: { type: 'string', pattern: '^(a+)+$' },
    };
    const { manifest, warnings } = accepted({ ...smallest, config }, 'install');
    expect(manifest.config).toEqual({
      a: { type: 'string', minLength: 8 },
      b: { type: 'array', items: { type: 'string' } },
      c: { type: 'string', pattern: '^(a+)+$' },
    });
    expect(warnings.map(({ path }) => path)).toEqual(['/config/a/pattern', '/config/b/items/pattern']);
  });

  test('choices keep their labels, and those that fit no choice are left out with a warning', () => {
    const config = {
      plain: { type: 'select', options: ['x', { value: 'y' }] },
      told: { type: 'select', options: [{ value: 1, label: 'One' }, 'two', { value: 'three', label: 3 }] },
      few: { type: 'string', enum: ['a', 'b'], enumLabels: ['A'] },
      none: { type: 'string', enumLabels: ['A'] },
    };
    const { manifest, warnings } = accepted({ ...smallest, config }, 'install');
    expect(manifest.config).toEqual({
      plain: { type: 'string', enum: ['x', 'y'] },
      told: { type: 'string', enum: ['1', 'two', 'three'], enumLabels: ['One', 'two', 'three'] },
      few: { type: 'string', enum: ['a', 'b'] },
      none: { type: 'string' },
    });
    expect(warnings.map(({ path }) => path)).toEqual(['/config/few/enumLabels', '/config/none/enumLabels']);
    expect(accepted(manifest, 'install')).toEqual({ ok: true, manifest, warnings: [] });
  });

  test('what was read once is read the same again', () => {
    const { manifest } = accepted({ ...slack, version: 'v1.0', author: 'Ann' }, 'install');
    expect(accepted(manifest, 'install')).toEqual({ ok: true, manifest, warnings: [] });
  });

  test('reading does not change what it reads', () => {
    const frozen = structuredClone({ ...smallest, author: 'Ann', config: { a: { type: 'select', options: ['x'] } } });
    const before = JSON.stringify(frozen);
    accepted(frozen, 'install');
    expect(JSON.stringify(frozen)).toBe(before);
  });
});

function tooManyPatterns() {
  const fields = Array.from({ length: 50 }, (_, at) => [`f${at}`, { type: 'string', pattern: '[a-z]{400}' }] as const);
  return Object.fromEntries(fields);
}
