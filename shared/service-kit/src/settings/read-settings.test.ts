import { describe, expect, test } from '@jest/globals';
import { decimal, flag, integer, json, list, oneOf, optionalText, optionalUrl, text, url } from './kinds.ts';
import { readSettings, SettingsError, type Environment, type Setting } from './read-settings.ts';

function problemsOf(env: Environment, shape: Record<string, Setting<unknown>>): readonly string[] {
  try {
    readSettings(env, shape);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  throw new Error('there were no problems');
}

describe('read settings', () => {
  test('settings are typed, and frozen', () => {
    const settings = readSettings(
      { PORT: '4002', DEBUG: 'true', NAMES: ' a, b ,,', URL: 'https://example.com/', LEVEL: 'warn', MAP: '{"a":1}' },
      {
        port: integer('PORT'),
        debug: flag('DEBUG', false),
        names: list('NAMES'),
        url: url('URL'),
        level: oneOf('LEVEL', ['info', 'warn']),
        map: json<Record<string, number>>('MAP', { type: 'object', additionalProperties: { type: 'number' } }),
        missing: optionalText('MISSING'),
        nowhere: optionalUrl('NOWHERE'),
      },
    );
    expect(settings).toEqual({
      port: 4002,
      debug: true,
      names: ['a', 'b'],
      url: 'https://example.com',
      level: 'warn',
      map: { a: 1 },
      missing: undefined,
      nowhere: undefined,
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test('a variable set to nothing counts as not set', () => {
    expect(readSettings({ HOST: ' ' }, { host: text('HOST', '127.0.0.1') })).toEqual({ host: '127.0.0.1' });
  });

  test('every problem is told at once, with the name, what is wrong and an example', () => {
    const problems = problemsOf(
      { PORT: '99999', DEBUG: 'perhaps', LEVEL: 'loud', BROKER_URL: 'http://example.com', MAP: '{' },
      {
        port: integer('PORT', 4002, { min: 0, max: 65_535 }),
        debug: flag('DEBUG', false),
        level: oneOf('LEVEL', ['info', 'warn'], 'info'),
        broker: url('BROKER_URL', undefined, { schemes: ['amqp', 'amqps'], example: 'amqp://127.0.0.1' }),
        name: text('NAME'),
        map: json('MAP', { type: 'object' }),
      },
    );
    expect(problems).toEqual([
      'PORT must be a whole number from 0 to 65535, not "99999"; for example PORT=4002.',
      'DEBUG must be true or false, not "perhaps"; for example DEBUG=false.',
      'LEVEL must be one of info, warn, not "loud"; for example LEVEL=info.',
      'BROKER_URL must begin with amqp:// or amqps://; for example BROKER_URL=amqp://127.0.0.1.',
      'NAME is missing; for example NAME=some-text.',
      'MAP is not JSON; for example MAP={}.',
    ]);
  });

  test.each(['', '1.5', '1e3', '0x10', 'NaN', '12abc', '99999999999999999999'])('%j is no whole number', (raw) => {
    expect(problemsOf({ N: raw }, { n: integer('N') })).toHaveLength(1);
  });

  test('a number may have a fraction where one is asked for', () => {
    expect(readSettings({ N: '0.01' }, { n: decimal('N') })).toEqual({ n: 0.01 });
    for (const N of ['', '.5', '1e3', 'NaN', '-1'])
      expect(problemsOf({ N }, { n: decimal('N', undefined, { min: 0 }) })).toHaveLength(1);
  });

  test('JSON of the wrong shape is told by place', () => {
    const schema = {
      type: 'array',
      items: { type: 'object', required: ['url'], properties: { url: { type: 'string' } } },
    };
    expect(problemsOf({ REGISTRIES: '[{"token":"hush"}]' }, { registries: json('REGISTRIES', schema) })).toEqual([
      'REGISTRIES does not have the right shape (REGISTRIES.0.url is required); for example REGISTRIES={}.',
    ]);
  });

  test('a URL is never shown, because it may hold a password', () => {
    const problems = problemsOf(
      { A: 'ftp://user:hush@example.com', B: 'user:hush@' },
      { a: url('A'), b: url('B', undefined, { schemes: ['postgres'] }) },
    );
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hush');
  });

  test('one problem alone is the whole message', () => {
    expect(() => readSettings({}, { name: text('NAME') })).toThrow(/^NAME is missing/);
  });
});
