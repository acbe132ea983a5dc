import { expect, test } from '@jest/globals';
import { createModels } from './models.ts';

/** The plugin's side alone: what it asks of the runner is written down, and answered as the test says. */
function plugin(answer: (call: string, request: unknown[]) => Promise<unknown> = () => Promise.resolve(null)) {
  const asked: [call: string, ...request: unknown[]][] = [];
  const ask = (call: string, ...request: unknown[]) => {
    asked.push([call, ...request]);
    return answer(call, request);
  };
  const models = createModels(
    { ask: ask },
    { need: () => undefined },
    {
      pluginId: 'notes',
      models: { definitions: [], associations: [] },
      coreModels: [{ name: 'User', attributes: ['id'] }],
    },
  );
  return { models, asked };
}

test('a model is there as soon as it is defined, and a wrong one never', () => {
  const { models, asked } = plugin();
  expect(models.define('Note', { text: { type: 'TEXT' } }).name).toBe('Note');
  expect(() => models.define('Bad', { text: { type: 'NOPE' } })).toThrow(/Bad\.text/);
  expect(() => models.define('note', { text: { type: 'TEXT' } })).toThrow(/would both be the table plugin_notes_note/);
  expect([models.list(), models.has('Note'), models.has('Bad')]).toEqual([['Note'], true, false]);
  expect(() => models.get('Bad')).toThrow(/no model "Bad"; defined are: Note/);
  expect(asked.map(([call]) => call)).toEqual(['models.define']);
});

test('a verb waits until the runner knows the definition, and says what the runner had against it', async () => {
  const { models, asked } = plugin((call) =>
    call === 'models.define' ? Promise.reject(new Error('no longer granted')) : Promise.resolve([]),
  );
  const note = models.define('Note', { text: { type: 'TEXT' } });
  await expect(note.findAll()).rejects.toThrow('no longer granted');
  await expect(models.sync()).resolves.toBeUndefined();
  expect(asked.map(([call]) => call)).toEqual(['models.define', 'models.sync']);
});

test('what went wrong at a definition is told once, to whoever waits first', async () => {
  const { models } = plugin(() => Promise.reject(new Error('not kept')));
  models.define('Note', { text: { type: 'TEXT' } });
  await expect(models.kept()).rejects.toThrow('not kept');
  await expect(models.kept()).resolves.toBeUndefined();
});

test('what crosses to the runner is plain: operators by name, models by theirs, JSON as JSON', async () => {
  const { models, asked } = plugin();
  const note = models.define('Note', { text: { type: 'TEXT' }, more: { type: 'JSONB' } });
  models.define('Tag', { noteId: { type: 'INTEGER' } });
  const date = new Date(0);
  await note.findAll({
    where: { [Symbol('or')]: [{ text: { [Symbol('like')]: 'a%' } }, { createdAt: date }] },
    include: [{ model: models.get('Tag') as never, as: 'tags' }],
    limit: undefined as never,
  });
  await note.create({ text: 'a', more: { at: date, left: undefined }, id: undefined });
  expect(asked.slice(2)).toEqual([
    [
      'models.run',
      'own',
      'Note',
      'findAll',
      [{ where: { or: [{ text: { like: 'a%' } }, { createdAt: date }] }, include: [{ model: 'Tag', as: 'tags' }] }],
    ],
    ['models.run', 'own', 'Note', 'create', [{ text: 'a', more: { at: date.toISOString() } }]],
  ]);
});

test.each<[string, unknown, RegExp]>([
  ['undefined', { id: undefined }, /where\.id is undefined/],
  ['a function', { id: () => 1 }, /is a function/],
  ['a circle', circle(), /nested more than/],
])('where with %s is refused before the runner is asked', async (_, where, message) => {
  const { models, asked } = plugin();
  const note = models.define('Note', { text: { type: 'TEXT' } });
  await expect(note.destroy({ where: where as never })).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(message),
  });
  expect(asked).toHaveLength(1);
});

test('nothing pretends to take part in a transaction', async () => {
  const { models, asked } = plugin(() => Promise.resolve({ id: 1 }));
  const note = models.define('Note', { text: { type: 'TEXT' } });
  const row = await note.findByPk(1);
  const options = { transaction: { query: () => undefined } } as never;
  const refused = { code: 'MODEL_INVALID', message: expect.stringContaining('context.db.transaction') };
  const loose = note as unknown as { create(...args: unknown[]): Promise<unknown> };
  const looseRow = row as unknown as { save(...args: unknown[]): Promise<unknown> };
  for (const act of [() => loose.create({}, options), () => note.findAll(options), () => looseRow.save(options)]) {
    await expect(act()).rejects.toMatchObject(refused);
  }
  expect(asked).toHaveLength(2);
});

test('saving stores what has changed, and asks nothing when nothing has', async () => {
  const { models, asked } = plugin((_call, [, , verb]) =>
    Promise.resolve(
      verb === 'findByPk' ? { id: 1, text: 'a', more: { list: [1] } } : { id: 1, text: 'b', more: { list: [1, 2] } },
    ),
  );
  const note = models.define('Note', { text: { type: 'TEXT' }, more: { type: 'JSONB' } });
  const row = await note.findByPk(1);
  await row?.save();
  expect(asked).toHaveLength(2);
  (row?.more as { list: number[] }).list.push(2);
  await row?.set('text', 'b').save();
  expect(asked.at(-1)).toEqual([
    'models.run',
    'own',
    'Note',
    'updateRow',
    [{ id: 1 }, { text: 'b', more: { list: [1, 2] } }],
  ]);
  await row?.save();
  expect(asked).toHaveLength(3);
});

test('a foreign key that is missing is added to the model that holds it, and again when that is defined anew', () => {
  const { models, asked } = plugin();
  models.define('Note', { text: { type: 'TEXT' } });
  models.define('Tag', { name: { type: 'STRING' } });
  models.associate('Note', 'hasMany', 'Tag');
  models.define('Tag', { label: { type: 'STRING' } });
  models.associate('Note', 'belongsTo', 'User', { as: 'owner' });
  const last = (name: string) =>
    asked.findLast(([call, said]) => call === 'models.define' && (said as { name: string }).name === name)?.[1];
  const reference = { type: 'INTEGER', onDelete: 'SET NULL', onUpdate: 'CASCADE' };
  expect(last('Tag')).toMatchObject({
    attributes: { label: {}, noteId: { ...reference, references: { model: 'Note', key: 'id' } } },
  });
  expect(last('Note')).toMatchObject({
    attributes: { ownerId: { ...reference, references: { model: 'User', key: 'id' } } },
  });
  expect(asked.at(-1)).toEqual([
    'models.associate',
    { source: 'Note', kind: 'belongsTo', target: 'User', options: { foreignKey: 'ownerId', as: 'owner' } },
  ]);
});

function circle(): object {
  const self: Record<string, unknown> = {};
  self.or = [self];
  return self;
}
