import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Instance, PluginModel } from '@verifywise/plugin-types';
import { ModelDesk } from '../../testing/model-desk.ts';

const ROW_LIMIT = 300;

describe('rows of a plugin’s models', () => {
  let desk: ModelDesk;
  beforeAll(async () => {
    desk = await ModelDesk.open({ rowLimit: ROW_LIMIT });
  });
  afterAll(() => desk.close());

  let plugins = 0;
  /** A model of a plugin of its own, with these rows. */
  async function risks(rows: object[] = []): Promise<PluginModel> {
    const models = await desk.models({ pluginId: `risks-${(plugins += 1)}` });
    models.define('Risk', {
      title: { type: 'string', allowNull: false },
      severity: { type: 'INTEGER', defaultValue: 1 },
      code: { type: 'STRING', unique: true },
      status: { type: 'ENUM', values: ['open', 'closed'], defaultValue: 'open' },
      details: { type: 'JSONB' },
    });
    await models.sync();
    const risk = models.get('Risk');
    await risk.bulkCreate(rows);
    return risk;
  }
  const titles = (rows: Instance[]) => rows.map((row) => row.title);

  describe('creating and finding', () => {
    test('what is created is found, with what the platform fills in', async () => {
      const risk = await risks();
      const created = await risk.create({ title: 'Bias', details: { found: ['by', 'us'] } });
      expect(created.toJSON()).toEqual({
        id: 1,
        title: 'Bias',
        severity: 1,
        code: null,
        status: 'open',
        details: { found: ['by', 'us'] },
        createdAt: expect.any(Date),
        updatedAt: expect.any(Date),
      });
      expect(await risk.findByPk(1)).toEqual(created);
      expect(await risk.findByPk(2)).toBeNull();
      expect(await risk.findOne({ where: { createdAt: created.createdAt } })).toEqual(created);
    });

    test('rows are ordered, limited, skipped and counted', async () => {
      const risk = await risks(['a', 'b', 'c', 'd', 'e'].map((title, at) => ({ title, severity: at % 2 })));
      expect(titles(await risk.findAll({ order: [['severity', 'DESC'], 'title'], limit: 3, offset: 1 }))).toEqual([
        'd',
        'a',
        'c',
      ]);
      const page = await risk.findAndCountAll({ where: { severity: 0 }, order: ['title'], limit: 2 });
      expect([titles(page.rows), page.count]).toEqual([['a', 'c'], 3]);
      expect(await risk.count({ where: { severity: 1 } })).toBe(2);
      expect(await risk.count({ group: ['severity'] })).toEqual(
        expect.arrayContaining([
          { severity: 0, count: 3 },
          { severity: 1, count: 2 },
        ]),
      );
      expect([await risk.max('title'), await risk.min('severity'), await risk.sum('severity')]).toEqual(['e', 0, 2]);
      expect([
        await risk.max('title', { where: { id: 99 } }),
        await risk.sum('severity', { where: { id: 99 } }),
      ]).toEqual([null, 0]);
    });

    test('some attributes, by other names, and functions over groups', async () => {
      const risk = await risks([
        { title: 'a', severity: 3 },
        { title: 'b', severity: 5 },
        { title: 'c', severity: 5, status: 'closed' },
      ]);
      expect(await risk.findOne({ attributes: ['id', ['title', 'name']], raw: true })).toEqual({ id: 1, name: 'a' });
      const groups = await risk.findAll({
        attributes: ['status', ['count', 'n'], ['max', 'severity', 'worst'], ['avg', 'severity', 'mean']],
        group: ['status'],
        order: [['n', 'DESC']],
        raw: true,
      });
      expect(groups).toEqual([
        { status: 'open', n: 2, worst: 5, mean: 4 },
        { status: 'closed', n: 1, worst: 5, mean: 5 },
      ]);
    });

    test('an answer of too many rows is refused, and paging goes on', async () => {
      const risk = await risks(Array.from({ length: ROW_LIMIT + 1 }, (_, at) => ({ title: `r${at}` })));
      await expect(risk.findAll()).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
      expect(await risk.findAll({ limit: ROW_LIMIT })).toHaveLength(ROW_LIMIT);
      expect(await risk.count()).toBe(ROW_LIMIT + 1);
    });

    test('each verb is one call to the runner', async () => {
      const risk = await risks([{ title: 'a' }]);
      const before = desk.calls;
      await risk.findAndCountAll({ where: { title: 'a' } });
      await risk.findOrCreate({ where: { title: 'b' } });
      await risk.upsert({ id: 1, title: 'c' });
      expect(desk.calls - before).toBe(3);
    });
  });

  describe('where', () => {
    test.each([
      ['a value', { severity: 2 }, ['b']],
      ['a list', { severity: [2, 3] }, ['b', 'c']],
      ['null', { code: null }, ['b', 'c']],
      ['a date', { createdAt: { lte: new Date(Date.now() + 60_000) } }, ['a', 'b', 'c']],
      ['ne', { severity: { ne: 2 } }, ['a', 'c']],
      ['ne null', { code: { ne: null } }, ['a']],
      ['gt and lte', { severity: { gt: 1, lte: 2 } }, ['b']],
      ['gte or lt', { severity: { or: [{ gte: 3 }, { lt: 2 }] } }, ['a', 'c']],
      ['in nothing', { severity: { in: [] } }, []],
      ['notIn', { severity: { notIn: [1, 2] } }, ['c']],
      ['like', { title: { like: 'B%' } }, []],
      ['iLike', { title: { iLike: 'B%' } }, ['b']],
      ['between', { severity: { between: [2, 3] } }, ['b', 'c']],
      ['is', { code: { is: null } }, ['b', 'c']],
      ['not null', { code: { not: null } }, ['a']],
      ['not a list', { severity: { not: [1] } }, ['b', 'c']],
      ['not', { not: { or: [{ title: 'a' }, { severity: 3 }] } }, ['b']],
      [
        'or of and',
        { or: [{ title: 'a', severity: 1 }, { and: [{ title: 'c' }, { severity: { gt: 2 } }] }] },
        ['a', 'c'],
      ],
      ['JSON', { details: { tags: ['x'], deep: { er: 1 } } }, ['a']],
      ['JSON in a list', { details: { in: [{ n: 1 }, { n: 2 }] } }, ['b']],
      ['Sequelize’s symbols', { [Symbol('or')]: [{ title: 'a' }, { severity: { [Symbol('gte')]: 3 } }] }, ['a', 'c']],
    ])('%s', async (_, where, found) => {
      const risk = await shared();
      expect(titles(await risk.findAll({ where, order: ['title'] }))).toEqual(found);
    });

    let made: Promise<PluginModel> | undefined;
    const shared = () =>
      (made ??= risks([
        { title: 'a', severity: 1, code: 'A', details: { tags: ['x'], deep: { er: 1 } } },
        { title: 'b', severity: 2, details: { n: 2 } },
        { title: 'c', severity: 3 },
      ]));

    test.each([
      ['an attribute that is not there', { nope: 1 }, /Risk has no attribute "nope"/],
      ['SQL as an attribute', { '"id" = 1 OR 1=1 --': 1 }, /no attribute/],
      ['an operator that is not there', { severity: { near: 3 } }, /no operator/],
      ['an inherited operator', { severity: { toString: 3 } }, /no operator/],
      ['too much', { or: Array.from({ length: 5_001 }, () => ({ code: null })) }, /at most 5000/],
      ['SQL as an operator', { severity: { '= 1 OR 1=1 --': 3 } }, /no operator/],
      ['undefined', { severity: undefined }, /severity is undefined/],
      ['undefined in an operator', { severity: { gt: undefined } }, /gt is undefined/],
      ['nothing', { severity: {} }, /asked for nothing/],
      ['__proto__', JSON.parse('{"__proto__": 1}') as object, /no attribute "__proto__"/],
      ['an inherited name', { toString: 'x' }, /no attribute "toString"/],
      ['text', 'id = 1' as never, /it is an object/],
    ])('is refused with %s', async (_, where, message) => {
      const risk = await shared();
      await expect(risk.findAll({ where: where as never })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringMatching(message),
      });
    });

    test.each([
      ['order', { order: [['id; DROP TABLE x', 'ASC']] }],
      ['the direction of order', { order: [['id', 'ASC; DROP TABLE x']] }],
      ['group', { attributes: [['count', 'n']], group: ['id) OR (1=1'] }],
      ['attributes', { attributes: ['(SELECT 1)'] }],
      ['the name of a column', { attributes: [['title', 'x", (SELECT 1) AS "y']] }],
      ['too many columns', { attributes: Array.from({ length: 501 }, () => 'id') }],
      ['a function', { attributes: [['pg_sleep', 'severity', 'x']] }],
      ['the attribute of a function', { attributes: [['max', 'severity), pg_sleep(1', 'x']] }],
      ['limit', { limit: '1; DROP TABLE x' }],
      ['offset', { offset: -1 }],
      ['include', { include: ['"; DROP TABLE x'] }],
      ['an option that is not there', { having: '1=1' }],
    ])('SQL as %s is refused', async (_, options) => {
      const risk = await shared();
      await expect(risk.findAll(options as never)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    });

    test('values are never read as SQL, nor as parameters of the statement', async () => {
      const risk = await risks([{ title: `'); DROP TABLE "plugin_x"; --` }, { title: ':v1 $1 ::text' }]);
      expect(await risk.count({ where: { title: `'); DROP TABLE "plugin_x"; --` } })).toBe(1);
      expect(await risk.count({ where: { title: ':v1 $1 ::text', severity: 1 } })).toBe(1);
      expect(await risk.count({ where: { title: { like: `%' OR '1'='1` } } })).toBe(0);
    });
  });

  describe('changing', () => {
    test('update and destroy change what where finds, and say how many', async () => {
      const risk = await risks([{ title: 'a' }, { title: 'b' }, { title: 'c' }]);
      const before = await risk.findByPk(1);
      expect(await risk.update({ severity: 9 }, { where: { title: ['a', 'b'] } })).toEqual([2]);
      const after = await risk.findByPk(1);
      expect((after?.updatedAt as Date).getTime()).toBeGreaterThanOrEqual((before?.updatedAt as Date).getTime());
      expect(await risk.destroy({ where: { severity: 9 } })).toBe(2);
      expect(titles(await risk.findAll())).toEqual(['c']);
      expect(await risk.destroy({ truncate: true })).toBe(1);
    });

    test('without where nothing is changed', async () => {
      const risk = await risks([{ title: 'a' }]);
      await expect(risk.update({ severity: 9 }, {} as never)).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('where'),
      });
      await expect(risk.destroy({})).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      await expect(risk.increment('severity', {} as never)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      await expect(risk.destroy({ where: { id: undefined } })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      expect(await risk.count({ where: { severity: 1 } })).toBe(1);
    });

    test('attributes that are not there are named, and nothing is stored', async () => {
      const risk = await risks();
      const wrong = { code: 'MODEL_INVALID', message: expect.stringContaining('"color"') };
      await expect(risk.create({ title: 'a', color: 'red' })).rejects.toMatchObject(wrong);
      await expect(risk.update({ color: 'red' }, { where: {} })).rejects.toMatchObject(wrong);
      await expect(risk.increment('color', { where: {} })).rejects.toMatchObject(wrong);
      await expect(risk.create({ title: { a: 1 } })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      expect(await risk.count()).toBe(0);
    });

    test('bulkCreate stores all or none, or those that are new', async () => {
      const risk = await risks([{ title: 'a', code: 'A' }]);
      const rows = [...Array.from({ length: 450 }, (_, at) => ({ title: `${at}` })), { title: 'again', code: 'A' }];
      await expect(risk.bulkCreate(rows)).rejects.toMatchObject({ code: 'QUERY_FAILED', details: { kind: 'unique' } });
      expect(await risk.count()).toBe(1);
      const created = await risk.bulkCreate(
        [
          { title: 'b', severity: 4 },
          { title: 'again', code: 'A' },
        ],
        { ignoreDuplicates: true },
      );
      expect(titles(created)).toEqual(['b']);
      expect(await risk.bulkCreate([])).toEqual([]);
    });

    test('upsert changes the row that is there, by key or by what is unique', async () => {
      const risk = await risks([{ title: 'a', code: 'A', severity: 7 }]);
      const [changed, created] = await risk.upsert({ code: 'A', title: 'b' });
      expect([changed.id, changed.title, changed.severity, created]).toEqual([1, 'b', 7, false]);
      const [added, isNew] = await risk.upsert({ id: 10, title: 'c' });
      expect([added.id, isNew]).toEqual([10, true]);
      expect((await risk.upsert({ id: 10, title: 'd' }))[0].title).toBe('d');
      expect(await risk.count()).toBe(2);
    });

    test('two that find or create at the same moment create one', async () => {
      const risk = await risks();
      const both = await Promise.all(
        Array.from({ length: 8 }, () => risk.findOrCreate({ where: { title: 'one' }, defaults: { severity: 5 } })),
      );
      expect(both.filter(([, created]) => created)).toHaveLength(1);
      expect(new Set(both.map(([row]) => row.id)).size).toBe(1);
      expect(both[0]?.[0].severity).toBe(5);
      await risk.create({ title: 'other', code: 'X' });
      await expect(risk.findOrCreate({ where: { title: 'new' }, defaults: { code: 'X' } })).rejects.toMatchObject({
        details: { kind: 'unique' },
      });
    });

    test('what is created instead of being found has what was asked for, null too', async () => {
      const risk = await risks();
      const asked = { where: { title: 'none', severity: null } };
      const [created, isNew] = await risk.findOrCreate(asked);
      expect([created.severity, isNew]).toEqual([null, true]);
      const [found, again] = await risk.findOrCreate(asked);
      expect([found.id, again]).toEqual([created.id, false]);
    });

    test('increment and decrement count in the database', async () => {
      const risk = await risks([
        { title: 'a', severity: 1 },
        { title: 'b', severity: 1 },
      ]);
      await Promise.all(Array.from({ length: 5 }, () => risk.increment('severity', { by: 2, where: { title: 'a' } })));
      expect(await risk.increment({ severity: 10 }, { where: {} })).toBe(2);
      expect(await risk.decrement(['severity'], { where: { title: 'b' } })).toBe(1);
      expect((await risk.findAll({ order: ['title'] })).map(({ severity }) => severity)).toEqual([21, 10]);
    });

    test.each([
      [
        'unique',
        { title: 'x', code: 'A' },
        { kind: 'unique', sqlState: '23505', constraint: expect.stringMatching(/code_key$/) },
      ],
      ['not-null', { severity: 2 }, { kind: 'not-null', column: 'title' }],
      ['check', { title: 'x', status: 'lost' }, { kind: 'check', constraint: expect.stringMatching(/status_check$/) }],
      ['no kind', { title: 'x', severity: 'many' }, { sqlState: '22P02' }],
    ])('what PostgreSQL refuses says its kind: %s', async (_, values, details) => {
      const risk = await risks([{ title: 'a', code: 'A' }]);
      await expect(risk.create(values)).rejects.toMatchObject({ code: 'QUERY_FAILED', details });
    });
  });

  describe('instances', () => {
    test('an instance has its attributes as properties, and stores what was changed', async () => {
      const risk = await risks([{ title: 'a', code: 'A', details: { n: 1 } }]);
      const one = (await risk.findByPk(1)) as unknown as Instance<{
        title: string;
        severity: number;
        details: { n: number };
      }>;
      one.title = 'b';
      one.set('severity', 3).set({ code: 'B' } as never);
      one.details.n = 2;
      expect(one.get('title')).toBe('b');
      // Somebody else's change of what this one did not change stays.
      await risk.update({ status: 'closed' }, { where: { id: 1 } });
      expect(await one.save()).toBe(one);
      const stored = await risk.findByPk(1);
      expect(stored?.get()).toMatchObject({ title: 'b', severity: 3, code: 'B', details: { n: 2 }, status: 'closed' });
      expect(await one.update({ severity: 4 })).toMatchObject({ severity: 4, status: 'closed' });
      expect(JSON.parse(JSON.stringify(one))).toEqual(JSON.parse(JSON.stringify(one.toJSON())));
      expect(Object.keys(one)).toEqual([
        'id',
        'title',
        'severity',
        'code',
        'status',
        'details',
        'createdAt',
        'updatedAt',
      ]);
    });

    test('reload shows what is stored, destroy ends it', async () => {
      const risk = await risks([{ title: 'a' }]);
      const one = (await risk.findByPk(1)) as Instance;
      await risk.update({ title: 'b' }, { where: { id: 1 } });
      expect((await one.reload()).title).toBe('b');
      await one.destroy();
      expect(await risk.count()).toBe(0);
      await expect(one.update({ title: 'c' })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('no longer there'),
      });
      await expect(one.reload()).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    });

    test('one that was read without its key says so', async () => {
      const risk = await risks([{ title: 'a' }]);
      const one = (await risk.findOne({ attributes: ['title'] })) as Instance;
      one.title = 'b';
      await expect(one.save()).rejects.toMatchObject({ message: expect.stringContaining('without id') });
    });

    test('a paranoid model keeps what is destroyed, and finds it only when asked', async () => {
      const models = await desk.models({ pluginId: 'paranoid' });
      const note = models.define(
        'Note',
        { text: { type: 'TEXT' }, n: { type: 'INTEGER', defaultValue: 0 } },
        { paranoid: true },
      );
      await models.sync();
      const [a, b] = await note.bulkCreate([{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
      await a?.destroy();
      expect(await note.destroy({ where: { text: 'b' } })).toBe(1);
      expect(await note.count()).toBe(1);
      expect(await note.count({ paranoid: false })).toBe(3);
      expect(await note.update({ n: 1 }, { where: {} })).toEqual([1]);
      expect(await note.update({ deletedAt: null }, { where: { text: 'a' }, paranoid: false })).toEqual([1]);
      expect(await note.findByPk(1)).toMatchObject({ text: 'a', deletedAt: null });
      await b?.destroy({ force: true });
      expect(await note.count({ paranoid: false })).toBe(2);
    });
  });
});
