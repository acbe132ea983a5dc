import type { Random } from './random.ts';

type Json = Record<string, unknown>;

/** One with everything a manifest can have, one as plugins in the wild write it, and one whose settings are lists with defaults. */
const models: readonly Json[] = [
  {
    id: 'full-plugin',
    name: 'Full',
    description: 'Has every part',
    version: '1.2.3-beta.1',
    author: { name: 'Somebody', url: 'https://example.com' },
    homepage: 'https://example.com/home',
    repository: 'https://example.com/code',
    support: 'https://example.com/help',
    type: 'integration',
    tags: ['one', 'two'],
    permissions: ['database:read', 'events:listen', 'http:outbound'],
    config: {
      apiKey: { type: 'string', required: true, secret: true, minLength: 3, maxLength: 200, pattern: '^[a-z0-9-]+$' },
      level: { type: 'string', enum: ['low', 'high'], default: 'low' },
      limit: { type: 'number', min: 1, max: 10, default: 5 },
      on: { type: 'boolean', default: true },
      hosts: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
      nested: { type: 'object', properties: { deeper: { type: 'object', properties: { value: { type: 'number' } } } } },
    },
    compatibility: { minVersion: '1.6', maxVersion: '2.0.0' },
    dependencies: { 'other-plugin': '^1.0.0 || >=2.1 <3', third: '*' },
    ui: {
      page: { title: 'Page', type: 'iframe', url: '/page' },
      widgets: [{ id: 'w', title: 'W', template: 'stats-card' }],
    },
  },
  {
    id: 'older-plugin',
    name: 'Older',
    description: 'As plugins in the wild write it',
    version: 'v1.0',
    author: 'Somebody',
    authorUrl: 'https://example.com',
    type: 'feature',
    permissions: ['events:subscribe', 'read:risks', 'models:use', 'unknown:thing'],
    minCoreVersion: '1.0',
    config: {
      _note: 'ours',
      kind: { type: 'select', options: ['a', { value: 'b', label: 'B' }], placeholder: 'choose' },
    },
    icon: 'icon.png',
    license: 'MIT',
    detailedDescription: '# Long',
    keywords: ['k'],
    releaseDate: '2024-01-01',
    faq: [{ question: 'Why?', answer: 'Because' }],
    changelog: [{ version: '1.0', date: '2024-01-01', changes: ['First'] }],
    $schema: 'x',
  },
  {
    id: 'lists',
    name: 'Lists',
    description: 'Its settings are lists',
    version: '1.0.0',
    author: { name: 'Somebody' },
    type: 'feature',
    tags: [],
    permissions: [],
    config: {
      rules: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            name: { type: 'string', required: true, pattern: '^[a-z]+$', default: 'a' },
            level: { type: 'string', enum: ['low', 'high'] },
            hosts: { type: 'array', items: { type: 'object', properties: { port: { type: 'number', default: 80 } } } },
          },
        },
        default: [{ name: 'b' }, { name: 'c', level: 'low', hosts: [{}, { port: 1 }] }],
      },
      proxy: {
        type: 'object',
        properties: { host: { type: 'string', required: true }, ports: { type: 'array', default: [1, 2] } },
        default: { host: 'here' },
      },
    },
  },
];

const texts = [
  ...[
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\u202e',
    '\u{1f4a9}',
    '__proto__',
    'constructor',
    'toString',
    '../..',
    '1.0.0',
    'v',
    '>=1',
    '^',
  ],
  ...[
    'javascript:alert(1)',
    'https://[',
    'file:///etc/passwd',
    '(a+)+$',
    '(a|a)*b',
    '[',
    '(?<=a{1000})',
    '\\',
    '*',
    '||',
    '1e999',
  ],
  ...[
    '99999999999999999999.0.0',
    '1.2.3-' + 'a'.repeat(300),
    'x'.repeat(5_000),
    '-',
    'events:listen',
    'string',
    'select',
    'iframe',
  ],
];
const values: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 2 ** 53, 1e308, -1e308, 5e-324, [], {}, [[]], [null], { type: 'string' }],
  ...[
    { type: 'array', items: {} },
    { type: 'select' },
    { type: 'object', properties: { a: null } },
    { name: 1 },
    { length: 3 },
  ],
];
const keys = [
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    'id',
    'type',
    'items',
    'properties',
    'default',
    'enum',
  ],
  ...[
    'pattern',
    'ui',
    'config',
    'dependencies',
    'options',
    'required',
    '',
    '$ref',
    '~1',
    'a/b',
    '\u0000',
    '_x',
    'x'.repeat(300),
    'x'.repeat(50_000),
  ],
];

/** Stands for nesting so deep that only text can have it. */
const DEEP = '@deep@';
/** Characters that one change makes at most; with four of them a file may be larger than is read. */
const MOST_CHARACTERS = 600_000;

/** A manifest as somebody's mistake or malice would write it, as the text of its file. */
export function mutatedManifest(random: Random): string {
  const manifest = structuredClone(random.oneOf(models));
  for (let count = 1 + random.below(4); count > 0; count -= 1) mutateTree(manifest, random);
  // Once only: many of them would be a file that is too large to be read at all.
  const text = JSON.stringify(manifest).replace(`"${DEEP}"`, deepText(random));
  return random.once(6) ? mutatedText(text, random) : withTrickyNumbers(text, random);
}

function deepText(random: Random): string {
  const [open, close] = random.oneOf([
    ['[', ']'],
    ['{"a":', '}'],
    ['{"type":"array","items":', '}'],
    ['{"type":"object","properties":{"a":', '}}'],
  ] as const);
  const depth = random.oneOf([33, 3_000, 30_000]);
  return `${open.repeat(depth)}0${close.repeat(depth)}`;
}

function mutateTree(root: Json, random: Random): void {
  const place = somePlace(root, random);
  const names = Object.keys(place);
  const name = names.length === 0 ? random.oneOf(keys) : random.oneOf(names);
  const value = Object.hasOwn(place, name) ? place[name] : null;
  const change = random.below(10);
  if (change === 0) Reflect.deleteProperty(place, name);
  else if (change === 1) setOwn(place, random.oneOf(keys), structuredClone(value));
  else if (change === 2) setOwn(place, random.oneOf(keys), randomValue(random));
  else if (change === 3) setOwn(place, name, copies(value, 2));
  else if (change === 4) setOwn(place, name, nested(random, value));
  else if (change === 5) setOwn(place, name, manyItems(random, value));
  else if (change === 6) setOwn(place, name, manyKeys(random, value));
  else setOwn(place, name, randomValue(random));
}

/** Any object or array in it, the deeper ones as likely as the root. */
function somePlace(root: Json, random: Random): Json {
  const places: Json[] = [root];
  for (let at = 0; at < places.length && places.length < 500; at += 1) {
    for (const inner of Object.values(places[at] as Json)) {
      if (typeof inner === 'object' && inner !== null) places.push(inner as Json);
    }
  }
  return random.oneOf(places);
}

/** As JSON.parse does: a key `__proto__` is a key. */
function setOwn(place: Json, key: string, value: unknown): void {
  Object.defineProperty(place, key, { value, enumerable: true, configurable: true, writable: true });
}

function randomValue(random: Random): unknown {
  if (random.once(3)) return random.oneOf(texts);
  if (random.once(20)) return DEEP;
  if (random.once(8)) return random.bytes(random.below(40)).toString('latin1');
  return structuredClone(random.oneOf(values));
}

function nested(random: Random, inner: unknown): unknown {
  const around = random.oneOf<(value: unknown) => unknown>([
    (value) => [value],
    (value) => ({ type: 'array', items: value }),
    (value) => ({ type: 'object', properties: { a: value } }),
    // Defaults that multiply.
    (value) => ({ type: 'array', items: { type: 'object', properties: { a: value } }, default: [{}, {}, {}, {}] }),
  ]);
  let value = inner;
  for (let depth = random.oneOf([2, 12, 40]); depth > 0; depth -= 1) value = around(value);
  return value;
}

function manyItems(random: Random, inner: unknown): unknown[] {
  return copies(inner, random.oneOf([3, 3, 3, 60, 60, 2_000]));
}

/** Each its own: a change in one that was in all of them would be multiplied, and no file could hold what comes of it. */
function copies(value: unknown, wanted: number): unknown[] {
  const most = Math.max(1, Math.floor(MOST_CHARACTERS / JSON.stringify(value).length));
  return Array.from({ length: Math.min(wanted, most) }, () => structuredClone(value));
}

function manyKeys(random: Random, inner: unknown): Json {
  const count = random.oneOf([10, 10, 10, 101, 101, 5_000]);
  const inners = copies(inner, Math.ceil(count / 50));
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`key${at}`, at % 50 === 0 ? (inners[at / 50] ?? at) : at]),
  );
}

/** What JSON can say and JavaScript cannot write. */
function withTrickyNumbers(text: string, random: Random): string {
  if (!random.once(10)) return text;
  return text.replace(/:(\d+)/, `:${random.oneOf(['1e999', '-1e999', '0.1e-400', '123456789012345678901234567890'])}`);
}

function mutatedText(text: string, random: Random): string {
  const at = random.below(text.length);
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return (
        text.slice(0, at) +
        random.oneOf(['"', '{', '}', '[', ']', ',', ':', '\\', '\u0000', '\ufeff', '0']) +
        text.slice(at)
      );
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + random.below(20));
    case 3:
      return text.slice(0, at) + text.slice(random.below(text.length));
    case 4:
      return `${random.oneOf(['[', '{"a":', '"']).repeat(random.oneOf([5, 20_000]))}${text}`;
    case 5:
      return text.replace('{', `{"id":"twice","id":${JSON.stringify(random.oneOf(texts))},`);
    default:
      return `\ufeff${text}${random.oneOf(['', ' ', '\n', '{}', '\u0000'])}`;
  }
}
