import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Instance, ModelApi } from '@verifywise/plugin-types';
import { createLogger, secretBox } from '@verifywise/service-kit';
import { ModelDesk } from '../../testing/model-desk.ts';
import { CoreViews } from '../plugin-database/core-views.ts';
import { PluginRoleStore } from '../plugin-database/plugin-roles.ts';

describe('associations', () => {
  let desk: ModelDesk;
  let models: ModelApi;
  beforeAll(async () => {
    desk = await ModelDesk.open({ rowLimit: 100 });
    models = await desk.models({ pluginId: 'library' });
    models.define('Author', { name: { type: 'STRING' } }, { timestamps: false });
    models.define(
      'Book',
      { title: { type: 'STRING' }, pages: { type: 'INTEGER' } },
      { timestamps: false, paranoid: false },
    );
    models.define('Chapter', { bookId: { type: 'INTEGER' }, name: { type: 'STRING' } }, { paranoid: true });
    models.define('Tag', { name: { type: 'STRING' } }, { timestamps: false });
    models.associate('Book', 'belongsTo', 'Author', { as: 'author' });
    models.associate('Author', 'hasMany', 'Book', { as: 'books' });
    models.associate('Book', 'hasMany', 'Chapter', { foreignKey: 'bookId', as: 'chapters' });
    models.associate('Book', 'hasOne', 'Chapter', { foreignKey: 'bookId', as: 'opening' });
    models.associate('Book', 'belongsToMany', 'Tag', { through: 'BookTag', as: 'tags' });
    models.associate('Tag', 'belongsToMany', 'Book', { through: 'BookTag', as: 'books' });
    await models.sync();
    await models.get('Author').bulkCreate([{ name: 'Ada' }, { name: 'Grace' }, { name: 'Nobody' }]);
    await models.get('Book').bulkCreate([
      { title: 'Engines', pages: 10, authorId: 1 },
      { title: 'Compilers', pages: 20, authorId: 2 },
      { title: 'Notes', pages: 30, authorId: 1 },
      { title: 'Anonymous', pages: 40 },
    ]);
    await models.get('Chapter').bulkCreate([
      { bookId: 1, name: 'one' },
      { bookId: 1, name: 'two' },
      { bookId: 2, name: 'only' },
    ]);
    await models.get('Tag').bulkCreate([{ name: 'old' }, { name: 'math' }, { name: 'unused' }]);
    await models.get('BookTag').bulkCreate([
      { bookId: 1, tagId: 2 },
      { bookId: 1, tagId: 1 },
      { bookId: 2, tagId: 2 },
    ]);
  });
  afterAll(() => desk.close());

  const plain = (rows: Instance[]) => rows.map((row) => row.toJSON());

  test('missing foreign keys and the model in between are made, with PostgreSQL keeping them', async () => {
    expect(models.list()).toEqual(['Author', 'Book', 'Chapter', 'Tag', 'BookTag']);
    await expect(models.get('Book').create({ authorId: 99 })).rejects.toMatchObject({
      details: { kind: 'foreign-key' },
    });
    await expect(models.get('BookTag').create({ bookId: 1, tagId: 1 })).rejects.toMatchObject({
      details: { kind: 'unique' },
    });
  });

  test('belongsTo and hasMany, nested, with a limit that counts rows of the model', async () => {
    const authors = await models.get('Author').findAll({
      include: [{ as: 'books', include: ['chapters'], order: [['pages', 'DESC']], attributes: ['title'] }],
      order: ['id'],
      limit: 2,
    });
    expect(plain(authors)).toMatchObject([
      {
        name: 'Ada',
        books: [
          { title: 'Notes', chapters: [] },
          { title: 'Engines', chapters: [{ name: 'one' }, { name: 'two' }] },
        ],
      },
      { name: 'Grace', books: [{ title: 'Compilers', chapters: [{ name: 'only' }] }] },
    ]);
    expect(Object.keys((authors[0]?.books as Instance[])[0] as object)).toEqual(['title', 'chapters']);
    const books = await models
      .get('Book')
      .findAll({ include: 'author' as never, attributes: ['title'], order: ['id'] });
    expect(plain(books)).toEqual([
      { title: 'Engines', author: { id: 1, name: 'Ada' } },
      { title: 'Compilers', author: { id: 2, name: 'Grace' } },
      { title: 'Notes', author: { id: 1, name: 'Ada' } },
      { title: 'Anonymous', author: null },
    ]);
  });

  test('hasOne is one row or null', async () => {
    const books = await models.get('Book').findAll({ include: ['opening'], order: ['id'], attributes: ['id'] });
    expect(plain(books)).toMatchObject([
      { opening: { name: 'one' } },
      { opening: { name: 'only' } },
      { opening: null },
      { opening: null },
    ]);
  });

  test('belongsToMany from both sides', async () => {
    const books = await models
      .get('Book')
      .findAll({ include: [{ as: 'tags', attributes: ['name'] }], order: ['id'], attributes: ['title'] });
    expect(plain(books)).toEqual([
      { title: 'Engines', tags: [{ name: 'old' }, { name: 'math' }] },
      { title: 'Compilers', tags: [{ name: 'math' }] },
      { title: 'Notes', tags: [] },
      { title: 'Anonymous', tags: [] },
    ]);
    const math = await models
      .get('Tag')
      .findOne({ where: { name: 'math' }, include: [{ model: 'Book', attributes: ['title'] }] });
    expect(math?.toJSON().books).toEqual([{ title: 'Engines' }, { title: 'Compilers' }]);
  });

  test('required and where leave out rows, counted before the limit', async () => {
    const book = models.get('Book');
    const titles = async (include: object[], more = {}) =>
      plain(await book.findAll({ include: include, attributes: ['title'], order: ['id'], ...more })).map(
        ({ title }) => title,
      );
    expect(await titles([{ as: 'chapters', required: true }])).toEqual(['Engines', 'Compilers']);
    expect(await titles([{ as: 'author', where: { name: { like: 'G%' } } }])).toEqual(['Compilers']);
    expect(await titles([{ as: 'author', where: { name: 'Grace' }, required: false }])).toHaveLength(4);
    expect(await titles([{ as: 'tags', where: { name: 'old' } }])).toEqual(['Engines']);
    expect(await titles([{ as: 'author', required: true, include: [{ as: 'books', where: { pages: 30 } }] }])).toEqual([
      'Engines',
      'Notes',
    ]);
    expect(await titles([{ as: 'author', required: true }], { limit: 1, offset: 2 })).toEqual(['Notes']);
    expect(await book.count({ include: [{ as: 'author', where: { name: 'Ada' } }] })).toBe(2);
    expect((await book.findAndCountAll({ include: [{ as: 'tags', where: { name: 'math' } }], limit: 1 })).count).toBe(
      2,
    );
  });

  test('included rows are instances of their own model; destroyed ones are left out', async () => {
    const book = (await models.get('Book').findByPk(2, { include: ['chapters', 'author'] })) as Instance;
    const [chapter] = book.chapters as Instance[];
    await chapter?.update({ name: 'the only one' });
    await (book.author as Instance).update({ name: 'Grace H.' });
    expect(await models.get('Author').findByPk(2)).toMatchObject({ name: 'Grace H.' });
    await (book.author as Instance).update({ name: 'Grace' });
    await chapter?.destroy();
    expect(((await models.get('Book').findByPk(2, { include: ['chapters'] })) as Instance).chapters).toEqual([]);
    await models.get('Chapter').update({ deletedAt: null }, { where: { bookId: 2 }, paranoid: false });
    expect(JSON.parse(JSON.stringify(book))).toMatchObject({ author: { name: 'Grace' } });
    // Included rows are not stored with the row.
    book.title = 'Compilers!';
    await book.save();
    await book.update({ title: 'Compilers' });
  });

  test.each([
    ['an association that is not there', 'Book', ['nobody'], /no association "nobody"/],
    ['one of two that are meant', 'Book', [{ model: 'Chapter' }], /more than one way \(.*chapters, opening/],
    ['SQL in where', 'Book', [{ as: 'author', where: { 'name" = 1 --': 1 } }], /no attribute/],
    ['an unknown option', 'Book', [{ as: 'author', on: '1=1' }], /unknown option on/],
  ])('include refuses %s', async (_, model, include, message) => {
    await expect(models.get(model).findAll({ include: include })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('associations are kept, and a model that is defined anew keeps their keys', async () => {
    const later = await desk.models({ pluginId: 'library' });
    expect((await later.get('Book').findByPk(1, { include: ['author'] }))?.author).toMatchObject({ name: 'Ada' });
    const next = await desk.models({ pluginId: 'library', version: '2.0.0' });
    next.define('Book', { title: { type: 'STRING' } }, { timestamps: false });
    expect((await next.get('Book').findByPk(1, { include: ['author', 'tags'] }))?.toJSON()).toMatchObject({
      title: 'Engines',
      author: { name: 'Ada' },
    });
    expect(await next.get('Book').findByPk(1)).not.toHaveProperty('pages');
    // Back on the version before, its own definitions are found.
    expect(await (await desk.models({ pluginId: 'library' })).get('Book').findByPk(1)).toMatchObject({ pages: 10 });
  });

  test.each([
    ['a kind that is not there', ['Book', 'knows', 'Author', {}], /cannot be associated/],
    ['a model that is not there', ['Book', 'belongsTo', 'Shelf', {}], /no model Shelf/],
    ['a name that is an attribute', ['Book', 'belongsTo', 'Author', { as: 'title' }], /has an attribute title/],
    ['belongsToMany without a model in between', ['Book', 'belongsToMany', 'Author', {}], /needs through/],
    ['an unknown option', ['Book', 'belongsTo', 'Author', { constraints: false }], /unknown option constraints/],
  ])('associate refuses %s', (_, said, message) => {
    expect(() => models.associate(...(said as Parameters<ModelApi['associate']>))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  describe('with the platform’s models', () => {
    let views: CoreViews;
    beforeAll(async () => {
      const { source } = desk.service;
      await source.query('CREATE SCHEMA host');
      await source.query(
        'CREATE TABLE host.users (id integer, name text, joined date, seen timestamptz, settings jsonb, tenant text)',
      );
      await source.query(`INSERT INTO host.users VALUES
        (1, 'Ann', '2026-01-31', '2026-02-01T00:00:00Z', '{"a": 1}', 'acme'), (2, 'Ben', NULL, NULL, NULL, 'acme'), (3, 'Eve', NULL, NULL, NULL, 'globex')`);
      views = new CoreViews({
        db: source,
        roles: new PluginRoleStore(source, secretBox([{ kid: 'k1', key: Buffer.alloc(32) }])),
        schema: 'core_views',
        relations: { User: { relation: 'host.users' } },
        log: createLogger('test', 'silent'),
      });
      await views.start();
      desk.core = views.models();
    });
    afterAll(() => views.close());

    test('a plugin reads them, this tenant’s rows only, and changes nothing', async () => {
      const life = await desk.life({ pluginId: 'reader', granted: ['database:read', 'models:define'] });
      const user = life.models.getCoreModel('User');
      expect(
        plain(
          (await user?.findAll({
            order: [['id', 'DESC']],
            attributes: ['id', 'name', 'joined', 'seen', 'settings'],
          })) ?? [],
        ),
      ).toEqual([
        { id: 2, name: 'Ben', joined: null, seen: null, settings: null },
        { id: 1, name: 'Ann', joined: '2026-01-31', seen: new Date('2026-02-01T00:00:00Z'), settings: { a: 1 } },
      ]);
      expect(await user?.findByPk(3)).toBeNull();
      expect(await user?.count({ where: { or: [{ joined: '2026-01-31' }, { settings: { a: 1 } }] } })).toBe(1);
      expect(life.models.getCoreModel('Project')).toBeNull();
      expect(user).not.toHaveProperty('create');
      await expect(((await user?.findByPk(1)) as Instance).update({ name: 'X' })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('only be read'),
      });
      await expect(
        life.ask('models.run', 'core', 'User', 'update', [{ name: 'X' }, { where: {} }]),
      ).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    });

    test('the plugin’s own rows come with them, and they with the plugin’s', async () => {
      for (const tenant of ['acme', 'globex']) {
        const api = await desk.models({ pluginId: 'trail', tenant });
        api.define('AuditLog', {
          userId: { type: 'INTEGER', references: { model: 'users', key: 'id' } },
          action: { type: 'STRING' },
        });
        api.associate('AuditLog', 'belongsTo', 'User', { foreignKey: 'userId', as: 'user' });
        api.associate('User', 'hasMany', 'AuditLog', { foreignKey: 'userId', as: 'logs' });
        await api.sync();
        await api.get('AuditLog').bulkCreate([1, 2, 3].map((userId) => ({ userId, action: 'login' })));
      }
      const api = await desk.models({ pluginId: 'trail', tenant: 'acme' });
      const logs = await api.get('AuditLog').findAll({
        include: [{ model: 'User', as: 'user', attributes: ['name'] }],
        attributes: ['action'],
        order: ['id'],
      });
      expect(plain(logs)).toEqual([
        { action: 'login', user: { name: 'Ann' } },
        { action: 'login', user: { name: 'Ben' } },
        { action: 'login', user: null },
      ]);
      expect(await api.get('AuditLog').count({ include: [{ as: 'user', where: { name: 'Ben' } }] })).toBe(1);
      const users = await api.getCoreModel('User')?.findAll({ include: ['logs'], order: ['id'] });
      expect(users?.map(({ logs: own }) => (own as Instance[]).length)).toEqual([1, 1]);
      await (users?.[0]?.logs as Instance[])[0]?.update({ action: 'seen' });
      expect(await api.get('AuditLog').count({ where: { action: 'seen' } })).toBe(1);
      expect(() => api.associate('User', 'belongsTo', 'AuditLog', { foreignKey: 'logId' })).toThrow(
        /is the platform's and has no logId/,
      );
    });

    test('who may only read finds its rows and theirs, and stores nothing', async () => {
      const life = await desk.life({ pluginId: 'trail', granted: ['database:read'] });
      const log = life.models.get('AuditLog');
      const [first] = await log.findAll({ include: ['user'], order: ['id'] });
      expect(first?.toJSON()).toMatchObject({ userId: 1, user: { name: 'Ann' } });
      const refused = { code: 'PERMISSION_DENIED', details: { permission: 'database:write' } };
      await expect(log.create({ userId: 1 })).rejects.toMatchObject(refused);
      await expect(first?.destroy()).rejects.toMatchObject(refused);
      await expect(log.increment('userId', { where: {} })).rejects.toMatchObject(refused);
    });

    test('without database:read they are not reached by include either', async () => {
      const life = await desk.life({ pluginId: 'trail', granted: ['models:define', 'database:write'] });
      await expect(life.models.get('AuditLog').findAll({ include: ['user'] })).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
      });
      await expect(life.ask('models.run', 'core', 'User', 'findAll', [])).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
      });
      expect(await life.models.get('AuditLog').count()).toBe(3);
    });
  });
});
