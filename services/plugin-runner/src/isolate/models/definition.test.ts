import { describe, expect, test } from '@jest/globals';
import { checkedDefinition } from './definition.ts';
import { snakeCase, tableName } from './table-name.ts';

const define = (attributes: unknown, options?: unknown, name: unknown = 'Risk') =>
  checkedDefinition('audit-trail', name, attributes, options);
const attribute = (definition: unknown) => define({ value: definition }).attributes.value;

describe('names of tables', () => {
  test.each([
    ['AuditLog', 'audit_log'],
    ['IssueMapping', 'issue_mapping'],
    ['APIKey', 'api_key'],
    ['HTTPServerLog', 'http_server_log'],
    ['UserID', 'user_id'],
    ['already_snake', 'already_snake'],
    ['Level2Risk', 'level2_risk'],
    ['X', 'x'],
  ])('%s is %s', (name, snake) => {
    expect(snakeCase(name)).toBe(snake);
  });

  test('begin with the plugin, and may not be longer than PostgreSQL keeps them', () => {
    expect(tableName('audit-trail', 'AuditLog')).toBe('plugin_audit_trail_audit_log');
    expect(tableName('jira-sync', 'IssueMapping')).toBe('plugin_jira_sync_issue_mapping');
    expect(() => tableName('audit-trail', 'A'.padEnd(60, 'a'))).toThrow(/at most 44/);
  });
});

describe('a definition', () => {
  test('is kept with its types in capitals, its key and its timestamps', () => {
    expect(
      define({ title: { type: 'string' } }, { indexes: [{ fields: ['title', 'createdAt'], unique: true }] }),
    ).toEqual({
      name: 'Risk',
      attributes: {
        id: { type: 'INTEGER', primaryKey: true, autoIncrement: true, allowNull: false },
        title: { type: 'STRING' },
        createdAt: { type: 'DATE', allowNull: false, defaultValue: 'NOW' },
        updatedAt: { type: 'DATE', allowNull: false, defaultValue: 'NOW' },
      },
      options: { timestamps: true, paranoid: false, indexes: [{ fields: ['title', 'createdAt'], unique: true }] },
    });
    expect(Object.keys(define({ key: { type: 'uuid', primaryKey: true } }, { timestamps: false }).attributes)).toEqual([
      'key',
    ]);
    expect(Object.keys(define({}, { paranoid: true }).attributes)).toEqual([
      'id',
      'createdAt',
      'updatedAt',
      'deletedAt',
    ]);
  });

  test('is the same when it is checked again', () => {
    const once = define(
      {
        state: { type: 'Enum', values: ['a'], defaultValue: 'a' },
        userId: { type: 'integer', references: { model: 'users' }, onDelete: 'set null' },
      },
      { paranoid: true, indexes: [{ fields: ['state'], name: 'by_state' }] },
    );
    expect(define(once.attributes, once.options)).toEqual(once);
    expect(once.attributes.userId).toEqual({
      type: 'INTEGER',
      references: { model: 'users', key: 'id' },
      onDelete: 'SET NULL',
    });
  });

  test('keeps defaults as JSON can', () => {
    expect(attribute({ type: 'BIGINT', defaultValue: 12n })).toEqual({ type: 'BIGINT', defaultValue: '12' });
    expect(attribute({ type: 'DATE', defaultValue: new Date(0) })).toEqual({
      type: 'DATE',
      defaultValue: '1970-01-01T00:00:00.000Z',
    });
  });

  test.each<[string, unknown, RegExp]>([
    ['no type', {}, /Risk\.value has the type undefined, which is none of STRING, TEXT/],
    ['an unknown type', { type: 'VARCHAR' }, /the type "VARCHAR"/],
    ['an unknown option', { type: 'TEXT', field: 'x' }, /Risk\.value has the unknown option field; known are type/],
    ['an ENUM without values', { type: 'ENUM' }, /needs its values/],
    ['values that are no text', { type: 'ENUM', values: [1] }, /needs its values/],
    ['a value twice', { type: 'ENUM', values: ['a', 'a'] }, /a value twice/],
    ['values of no ENUM', { type: 'TEXT', values: ['a'] }, /values are for ENUM/],
    [
      'a default that is no value',
      { type: 'ENUM', values: ['a'], defaultValue: 'b' },
      /"b" as defaultValue, which is none of a/,
    ],
    ['a default of another type', { type: 'INTEGER', defaultValue: 'many' }, /cannot have "many" as defaultValue/],
    ['NOW for no date', { type: 'BOOLEAN', defaultValue: 'NOW' }, /cannot have "NOW"/],
    ['a function as default', { type: 'DATE', defaultValue: Date.now }, /function as defaultValue/],
    ['a primary key that may be null', { type: 'INTEGER', primaryKey: true, allowNull: true }, /cannot be null/],
    ['autoIncrement of text', { type: 'TEXT', autoIncrement: true }, /for INTEGER and BIGINT/],
    ['a flag that is none', { type: 'TEXT', unique: 'yes' }, /unique: "yes"; it is true or false/],
    ['a reference to nothing', { type: 'INTEGER', references: 'users' }, /references nothing/],
    ['SQL as a reference', { type: 'INTEGER', references: { model: 'plugin_x_a" (id); --' } }, /references nothing/],
    ['onDelete without a reference', { type: 'INTEGER', onDelete: 'CASCADE' }, /references nothing/],
    [
      'an unknown onDelete',
      { type: 'INTEGER', references: { model: 'users' }, onDelete: 'DROP TABLE' },
      /"DROP TABLE", which is none of CASCADE/,
    ],
    ['no object', 'STRING', /Risk\.value needs a type/],
  ])('is refused with %s', (_, definition, message) => {
    expect(() => attribute(definition)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, unknown, unknown, unknown, RegExp]>([
    ['SQL as its name', {}, {}, 'Risk"; DROP TABLE x', /cannot be named "Risk\\"; DROP/],
    ['no name', {}, {}, null, /cannot be named null/],
    ['SQL as an attribute', { 'a" text, "b': { type: 'TEXT' } }, {}, 'Risk', /cannot be named "a\\" text/],
    ['the name of a verb', { save: { type: 'TEXT' } }, {}, 'Risk', /save, which has another meaning/],
    ['a word of where', { or: { type: 'TEXT' } }, {}, 'Risk', /or, which has another meaning/],
    ['a name of every object', { constructor: { type: 'TEXT' } }, {}, 'Risk', /another meaning/],
    ['no attributes', undefined, {}, 'Risk', /needs its attributes/],
    [
      'an unknown option',
      {},
      { tableName: 'x' },
      'Risk',
      /unknown option tableName; known are timestamps, paranoid, indexes/,
    ],
    ['paranoid without timestamps', {}, { timestamps: false, paranoid: true }, 'Risk', /needs timestamps/],
    ['an id that is no key', { id: { type: 'INTEGER' } }, {}, 'Risk', /say primaryKey: true/],
    [
      'two that count up',
      { a: { type: 'INTEGER', primaryKey: true, autoIncrement: true }, b: { type: 'INTEGER', autoIncrement: true } },
      {},
      'Risk',
      /more than one/,
    ],
    [
      'a createdAt that is no date',
      { createdAt: { type: 'STRING' } },
      {},
      'Risk',
      /Risk\.createdAt must be of type DATE/,
    ],
    ['an index of nothing', {}, { indexes: [{ fields: [] }] }, 'Risk', /needs its fields/],
    ['an index of what is not there', {}, { indexes: [{ fields: ['nope'] }] }, 'Risk', /"nope", which is no attribute/],
    [
      'an unknown option of an index',
      {},
      { indexes: [{ fields: ['id'], using: 'gin' }] },
      'Risk',
      /unknown option using/,
    ],
  ])('is refused with %s', (_, attributes, options, name, message) => {
    expect(() => define(attributes, options, name)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
