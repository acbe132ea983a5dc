import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ModelAttributes } from '@verifywise/plugin-types';
import { ModelDesk } from '../../testing/model-desk.ts';

describe('the tables of a plugin’s models', () => {
  let desk: ModelDesk;
  beforeAll(async () => {
    desk = await ModelDesk.open();
  });
  afterAll(() => desk.close());

  let plugins = 0;
  const nextPlugin = () => `tables-${(plugins += 1)}`;
  const indexes = async (pluginId: string) =>
    (
      await desk.query('SELECT indexname AS name FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1', {
        pluginId,
      })
    ).map(({ name }) => name);
  const foreignKeys = async (pluginId: string) =>
    await desk.query(
      `SELECT conname AS name, pg_get_constraintdef(oid) AS says FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1`,
      { pluginId },
    );

  test.each<[string, unknown, unknown]>([
    ['STRING', 'ä'.repeat(255), 'ä'.repeat(255)],
    ['TEXT', 'x'.repeat(5_000), 'x'.repeat(5_000)],
    ['INTEGER', -7, -7],
    ['BIGINT', 9_007_199_254_740_993n, '9007199254740993'],
    ['BIGINT', '5', '5'],
    ['FLOAT', 1.5, 1.5],
    ['DOUBLE', 0.1, 0.1],
    ['DECIMAL', '12345678901234567890.12', '12345678901234567890.12'],
    ['BOOLEAN', false, false],
    ['DATE', new Date('2026-03-01T12:00:00.123Z'), new Date('2026-03-01T12:00:00.123Z')],
    ['DATE', '2026-03-01T12:00:00.123Z', new Date('2026-03-01T12:00:00.123Z')],
    ['DATE', Date.UTC(2026, 2, 1), new Date('2026-03-01T00:00:00Z')],
    ['DATEONLY', '2026-03-01', '2026-03-01'],
    ['DATEONLY', new Date('2026-03-01T23:59:59Z'), '2026-03-01'],
    ['JSON', { a: [1, null, 'x'] }, { a: [1, null, 'x'] }],
    ['JSONB', [1, 2], [1, 2]],
    ['JSONB', 'text', 'text'],
    ['UUID', '2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d', '2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d'],
    ['ENUM', "it's", "it's"],
  ])('%s is stored, found again and found by: %p', async (type, given, expected) => {
    const models = await desk.models({ pluginId: nextPlugin() });
    const model = models.define('Thing', {
      value: { type: type.toLowerCase(), ...(type === 'ENUM' ? { values: ["it's", 'other'] } : {}) },
    });
    await models.sync();
    const created = await model.create({ value: given });
    expect(created.value).toEqual(expected);
    const found = await model.findOne({ where: { value: { eq: given } } });
    expect(found?.value).toEqual(expected);
    expect((await model.findOne({ where: { value: { in: [given] } } }))?.id).toBe(1);
    expect((await model.create({ value: null })).value).toBeNull();
    expect(await model.count({ where: { value: null } })).toBe(1);
    await model.update({ value: given }, { where: { value: null } });
    expect(await model.count({ where: { value: { eq: given } } })).toBe(2);
  });

  test('defaults are filled in, also in rows that SQL writes', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    const text = `it's \\ "here" $1 :v1`;
    const model = models.define(
      'Default',
      {
        at: { type: 'DATE', defaultValue: 'NOW' },
        day: { type: 'DATEONLY', defaultValue: 'NOW' },
        uuid: { type: 'UUID', defaultValue: 'UUIDV4' },
        text: { type: 'STRING', defaultValue: text },
        json: { type: 'JSONB', defaultValue: { a: [text] } },
        yes: { type: 'BOOLEAN', defaultValue: true },
        big: { type: 'BIGINT', defaultValue: 2n ** 53n },
        since: { type: 'DATE', defaultValue: new Date(0) },
      },
      { timestamps: false },
    );
    await models.sync();
    await desk.query(`INSERT INTO plugin_${pluginId.replace('-', '_')}_default DEFAULT VALUES`, { pluginId });
    await model.create({});
    for (const row of await model.findAll()) {
      expect(row.toJSON()).toEqual({
        id: expect.any(Number),
        at: expect.any(Date),
        day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        text,
        json: { a: [text] },
        yes: true,
        big: '9007199254740992',
        since: new Date(0),
      });
    }
    expect(await model.count()).toBe(2);
  });

  test('sync creates what is missing and leaves what is there', async () => {
    const models = await desk.models({ pluginId: nextPlugin() });
    const note = models.define('Note', { text: { type: 'TEXT' } });
    await models.sync();
    await note.create({ text: 'kept' });
    models.define('Note', { text: { type: 'TEXT' }, more: { type: 'TEXT' } });
    models.define('Tag', { name: { type: 'STRING' } });
    await models.sync();
    await expect(models.get('Note').findAll()).rejects.toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringContaining('alter: true'),
    });
    expect(await models.get('Tag').count()).toBe(0);
  });

  test('a model without a table says that it needs sync', async () => {
    const models = await desk.models({ pluginId: nextPlugin() });
    const note = models.define('Note', { text: { type: 'TEXT' } });
    await expect(note.create({ text: 'x' })).rejects.toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringContaining('models.sync()'),
    });
  });

  test('alter adds columns, indexes and the values of an ENUM, and drops nothing', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    models.define('Note', {
      text: { type: 'TEXT' },
      old: { type: 'STRING' },
      status: { type: 'ENUM', values: ['a', 'b'] },
    });
    await models.sync();
    await models.get('Note').create({ text: 'kept', old: 'kept', status: 'a' });
    models.define(
      'Note',
      {
        text: { type: 'TEXT' },
        status: { type: 'ENUM', values: ['b', 'c'] },
        level: { type: 'INTEGER', allowNull: false, defaultValue: 3, unique: true },
        kind: { type: 'ENUM', values: ['x'], defaultValue: 'x' },
        parentId: { type: 'INTEGER', references: { model: 'Note', key: 'id' }, onDelete: 'SET NULL' },
      },
      { indexes: [{ fields: ['text', 'level'] }, { fields: ['kind'], name: 'by_kind' }] },
    );
    await models.sync({ alter: true });
    await models.sync({ alter: true });
    const note = models.get('Note');
    expect(await note.findByPk(1)).toMatchObject({ text: 'kept', status: 'a', level: 3, kind: 'x', parentId: null });
    await note.create({ text: 'new', status: 'c', level: 4, parentId: 1 });
    await expect(note.create({ status: 'a', level: 5 })).rejects.toMatchObject({ details: { kind: 'check' } });
    await expect(note.create({ level: 4 })).rejects.toMatchObject({ details: { kind: 'unique' } });
    await expect(note.create({ level: 6, kind: 'y' })).rejects.toMatchObject({ details: { kind: 'check' } });
    await expect(note.create({ level: 6, parentId: 99 })).rejects.toMatchObject({ details: { kind: 'foreign-key' } });
    const table = `plugin_${pluginId.replace('-', '_')}_note`;
    expect(await desk.query(`SELECT old FROM ${table} WHERE id = 1`, { pluginId })).toEqual([{ old: 'kept' }]);
    expect(await indexes(pluginId)).toEqual(
      expect.arrayContaining([
        'by_kind',
        `${table}_level_key`,
        `${table}_parentId_idx`,
        `${table}_pkey`,
        `${table}_text_level_idx`,
      ]),
    );
  });

  test('force begins anew, dropAll ends it', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    const note = models.define('Note', { text: { type: 'TEXT' } });
    models.define('Comment', { noteId: { type: 'INTEGER', references: { model: 'Note', key: 'id' } } });
    await models.sync();
    await note.create({ text: 'gone' });
    await models.sync({ force: true });
    expect(await note.count()).toBe(0);
    expect((await note.create({ text: 'first' })).id).toBe(1);
    await models.dropAll();
    expect([models.list(), models.has('Note')]).toEqual([[], false]);
    expect(() => models.get('Note')).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(
      await desk.query(`SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace`, {
        pluginId,
      }),
    ).toEqual([]);
    expect((await desk.models({ pluginId })).list()).toEqual([]);
  });

  test('a sync that fails leaves nothing half done', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    models.define('First', { text: { type: 'TEXT' } });
    models.define('Second', { firstText: { type: 'TEXT', references: { model: 'First', key: 'text' } } });
    await expect(models.sync()).rejects.toMatchObject({ code: 'QUERY_FAILED', details: { sqlState: '42830' } });
    expect(await indexes(pluginId)).toEqual([]);
  });

  test('own tables are referred to by foreign keys, also in a circle and before they are defined; the platform’s by an indexed column', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    const reference = (model: string, onDelete: string): ModelAttributes[string] => ({
      type: 'INTEGER',
      references: { model, key: 'id' },
      onDelete: onDelete as never,
    });
    const table = `plugin_${pluginId.replace('-', '_')}_team`;
    models.define(
      'Member',
      { teamId: reference(table, 'CASCADE'), userId: reference('users', 'SET NULL') },
      { timestamps: false },
    );
    models.define('Team', { leadId: reference('Member', 'SET NULL') }, { timestamps: false });
    await models.sync();
    expect(await foreignKeys(pluginId)).toEqual([
      {
        name: expect.stringMatching(/member_teamId_fkey$/),
        says: `FOREIGN KEY ("teamId") REFERENCES ${table}(id) ON DELETE CASCADE`,
      },
      { name: expect.stringMatching(/team_leadId_fkey$/), says: expect.stringContaining('ON DELETE SET NULL') },
    ]);
    expect(await indexes(pluginId)).toContainEqual(expect.stringMatching(/member_userId_idx$/));
    const team = await models.get('Team').create({});
    const member = await models.get('Member').create({ teamId: team.id, userId: 4711 });
    await team.update({ leadId: member.id });
    await team.destroy();
    expect(await models.get('Member').count()).toBe(0);
  });

  test('a reference to nothing and to another plugin’s table are refused before anything is made', async () => {
    const pluginId = nextPlugin();
    const models = await desk.models({ pluginId });
    models.define('Note', { otherId: { type: 'INTEGER', references: { model: 'plugin_other_things', key: 'id' } } });
    await expect(models.sync()).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('another plugin'),
    });
    models.define('Note', { otherId: { type: 'INTEGER', references: { model: 'Note', key: 'nope' } } });
    await expect(models.sync()).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('"nope"'),
    });
  });

  test('composite and given primary keys', async () => {
    const models = await desk.models({ pluginId: nextPlugin() });
    const pair = models.define('Pair', {
      a: { type: 'INTEGER', primaryKey: true },
      b: { type: 'STRING', primaryKey: true },
      n: { type: 'INTEGER' },
    });
    const named = models.define('Named', { key: { type: 'UUID', primaryKey: true, defaultValue: 'UUIDV4' } });
    await models.sync();
    await pair.create({ a: 1, b: 'x', n: 1 });
    const found = await pair.findByPk({ a: 1, b: 'x' });
    expect((await found?.update({ n: 2 }))?.n).toBe(2);
    await expect(pair.findByPk(1)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const { key } = await named.create({});
    expect(await named.findByPk(key as string)).not.toBeNull();
  });

  test('names that are too long for PostgreSQL still name their own thing', async () => {
    const pluginId = 'a-plugin-with-quite-a-long-name';
    const models = await desk.models({ pluginId });
    const long = 'theAttributeWithTheVeryLongNameThatNobodyWouldWriteTwice';
    models.define('LongNamedModel', {
      [`${long}A`]: { type: 'STRING', unique: true },
      [`${long}B`]: { type: 'STRING', unique: true },
    });
    await models.sync();
    await models.sync({ alter: true });
    expect((await indexes(pluginId)).filter((name) => String(name).endsWith('_key'))).toHaveLength(2);
  });

  test('two tenants and two plugins have each their own tables', async () => {
    const lives = await Promise.all([
      desk.models({ pluginId: 'shared', tenant: 'acme' }),
      desk.models({ pluginId: 'shared', tenant: 'globex', version: '2.0.0' }),
    ]);
    lives[0].define('Note', { text: { type: 'TEXT' } });
    lives[1].define('Note', { body: { type: 'TEXT' } });
    for (const models of lives) await models.sync();
    await lives[0].get('Note').create({ text: 'acme' });
    expect(await lives[1].get('Note').findAll()).toEqual([]);
    await expect(lives[1].get('Note').create({ text: 'x' })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
