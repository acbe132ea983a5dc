import { describe, expect, test } from '@jest/globals';
import type { ConfigField } from '@verifywise/plugin-types';
import { effectiveConfig, missingConfig, validateConfig, type ConfigFields } from './config-values.ts';

const fields: ConfigFields = {
  apiKey: { type: 'string', required: true, secret: true },
  interval: { type: 'number', default: 60, min: 10, max: 3_600 },
  environment: { type: 'string', enum: ['development', 'production'] },
  name: { type: 'string', minLength: 2, maxLength: 4 },
  email: { type: 'string', pattern: String.raw`^[a-z.]+@[a-z.]+\.[a-z]{2,}$` },
  active: { type: 'boolean' },
  features: { type: 'array', items: { type: 'string' } },
  anything: { type: 'array' },
  proxy: {
    type: 'object',
    properties: {
      host: { type: 'string', required: true },
      ports: { type: 'array', items: { type: 'number', min: 1 } },
    },
  },
  headers: { type: 'object' },
};

test('values that keep every rule have no issues', () => {
  const values = {
    apiKey: 'k',
    interval: 10,
    environment: 'production',
    name: '👍👍👍👍',
    email: 'a@b.example',
    active: false,
    features: [],
    anything: [1, 'a', null],
    proxy: { host: 'h', ports: [80] },
    headers: { a: 1 },
  };
  expect(validateConfig(fields, values)).toEqual([]);
});

describe('a value that breaks a rule is told by place and rule', () => {
  test.each([
    [{ interval: 9 }, '/interval', 'range'],
    [{ interval: 3_601 }, '/interval', 'range'],
    [{ interval: '60' }, '/interval', 'type'],
    [{ interval: NaN }, '/interval', 'type'],
    [{ interval: null }, '/interval', 'type'],
    [{ environment: 'staging' }, '/environment', 'enum'],
    [{ name: 'a' }, '/name', 'length'],
    [{ name: 'abcde' }, '/name', 'length'],
    [{ name: 'a\u0000b' }, '/name', 'text'],
    [{ name: '\ud800ab' }, '/name', 'text'],
    [{ email: 'nobody' }, '/email', 'pattern'],
    [{ active: 'yes' }, '/active', 'type'],
    [{ features: 'a' }, '/features', 'type'],
    [{ features: ['a', 7] }, '/features/1', 'type'],
    [{ proxy: {} }, '/proxy/host', 'required'],
    [{ proxy: { host: 'h', ports: [80, 0] } }, '/proxy/ports/1', 'range'],
    [{ proxy: [] }, '/proxy', 'type'],
    [{ proxy: { host: 'h', port: 1 } }, '/proxy/port', 'unknown'],
    [{ headers: [] }, '/headers', 'type'],
    [{ 'a/b~c': 1 }, '/a~1b~0c', 'unknown'],
    [{ constructor: 1 }, '/constructor', 'unknown'],
    [JSON.parse('{"__proto__": {"interval": 1}}'), '/__proto__', 'unknown'],
    [{ apiKey: '' }, '/apiKey', 'required'],
    [{ apiKey: undefined }, '/apiKey', 'required'],
    [{ apiKey: null }, '/apiKey', 'required'],
  ])('%j', (values: object, path, rule) => {
    expect(validateConfig(fields, { apiKey: 'k', ...values, ...ownProto(values) })).toEqual([
      expect.objectContaining({ path, rule }),
    ]);
  });
});

/** Spreading drops nothing but would set the prototype for a literal; entries keep the key a key. */
function ownProto(values: object): object {
  return Object.fromEntries(Object.entries(values));
}

test.each([null, undefined, 7, 'text', [], true])('%p is no configuration', (values) => {
  expect(validateConfig(fields, values)).toEqual([expect.objectContaining({ path: '', rule: 'type' })]);
});

test('all issues come at once, and none of them repeats the value', () => {
  const issues = validateConfig(fields, { interval: 1, environment: 'secret-value', unknown: 1 });
  expect(issues.map(({ path }) => path)).toEqual(['/apiKey', '/interval', '/environment', '/unknown']);
  expect(JSON.stringify(issues)).not.toContain('secret-value');
});

test('missing is what is required and has neither a value nor a default', () => {
  // Every object has a `constructor` already; only one that was put there counts.
  const taken: ConfigField = { type: 'string', required: true };
  const required: ConfigFields = {
    a: { type: 'string', required: true },
    b: { type: 'string', required: true, default: 'x' },
    c: { type: 'string' },
    d: { type: 'boolean', required: true },
    ...{ constructor: taken },
  };
  expect(missingConfig(required, { d: false })).toEqual(['a', 'constructor']);
  expect(missingConfig(required, { a: '', d: true, constructor: 'x' })).toEqual(['a']);
});

test('required parts of an object or of the items of a list are missing only where one is there', () => {
  const host: ConfigField = { type: 'string', required: true };
  const port: ConfigField = { type: 'number', required: true, default: 80 };
  const nested: ConfigFields = {
    proxy: { type: 'object', properties: { host, port } },
    rules: { type: 'array', items: { type: 'object', properties: { host } } },
  };
  expect(missingConfig(nested, {})).toEqual([]);
  expect(missingConfig(nested, { proxy: {}, rules: [{ host: 'a' }, {}] })).toEqual(['proxy.host', 'rules.1.host']);
});

test('defaults are copies, and settings without one are absent', () => {
  const withList: ConfigFields = { list: { type: 'array', default: ['a'] }, other: { type: 'string' } };
  const defaults = effectiveConfig(withList, {});
  expect(defaults).toEqual({ list: ['a'] });
  (defaults.list as string[]).push('b');
  expect(effectiveConfig(withList, {})).toEqual({ list: ['a'] });
});

test('a stored value goes before a default, and defaults inside of objects that are there are filled in', () => {
  const properties: ConfigFields = { host: { type: 'string' }, port: { type: 'number', default: 80 } };
  const nested: ConfigFields = {
    proxy: { type: 'object', properties },
    backup: { type: 'object', properties, default: { host: 'b' } },
    all: { type: 'array', items: { type: 'object', properties } },
    limit: { type: 'number', default: 5 },
  };
  expect(effectiveConfig(nested, { limit: 0, all: [{ host: 'c' }, { port: 1 }], ofAnotherVersion: true })).toEqual({
    limit: 0,
    all: [{ host: 'c', port: 80 }, { port: 1 }],
    backup: { host: 'b', port: 80 },
    ofAnotherVersion: true,
  });
  expect(effectiveConfig(nested, { proxy: {} })).toMatchObject({ proxy: { port: 80 } });
});

test('values that are accepted as they are, are judged no further', () => {
  const kept = Symbol('kept');
  const nested: ConfigFields = {
    token: { type: 'string', required: true },
    all: { type: 'array', items: { type: 'string' } },
  };
  expect(validateConfig(nested, { token: kept, all: ['a', kept] }, { isAccepted: (value) => value === kept })).toEqual(
    [],
  );
  expect(validateConfig(nested, { token: kept })).toMatchObject([{ path: '/token', rule: 'type' }]);
});

test('what may be missing does not hide what is wrong, however much of it there is', () => {
  const required = Array.from({ length: 200 }, (_, at): [string, ConfigField] => [
    `f${at}`,
    { type: 'string', required: true },
  ]);
  const rules: ConfigField = { type: 'array', items: { type: 'object', properties: Object.fromEntries(required) } };
  const listed: ConfigFields = { rules, limit: { type: 'number' } };
  const values = { rules: Array(1_000).fill({}), limit: 'x' };
  expect(validateConfig(listed, values, { mayBeMissing: true })).toMatchObject([{ path: '/limit', rule: 'type' }]);
  expect(validateConfig(listed, values)).toHaveLength(10_000);
});
