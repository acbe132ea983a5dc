import { expect, test } from '@jest/globals';
import { computeChanges } from '@verifywise/plugin-host';
import { allEntities } from './all-entities.ts';
import type { Change, Entity, Occurrence, Row } from './entity.ts';

function entityOf(table: string): Entity {
  const entity = allEntities.find((one) => one.table === table);
  if (entity === undefined) throw new Error(`There is no ${table}`);
  return entity;
}

const emptyRow = { id: 7, createdAt: new Date(0), updatedAt: new Date(0), projectId: 3 };

function row(fields: object): Row {
  return { ...emptyRow, ...fields };
}

function updated(before: object, after: object): Change<Row> {
  return { kind: 'updated', before: row(before), after: row(after), changes: computeChanges(before, after) };
}

async function eventsOf(table: string, change: Change<Row>): Promise<Occurrence[]> {
  const find = (_table: string, id: number): Promise<Row> => Promise.resolve({ ...row({ name: 'EU AI Act' }), id });
  return await entityOf(table).events(change, { userId: 42, find });
}

async function namesOf(table: string, change: Change<Row>): Promise<string[]> {
  return (await eventsOf(table, change)).map(({ event }) => event);
}

test.each([
  ['users', 'user'],
  ['projects', 'project'],
  ['risks', 'risk'],
  ['vendors', 'vendor'],
  ['vendor_risks', 'vendor_risk'],
  ['models', 'model'],
  ['model_risks', 'model_risk'],
  ['incidents', 'incident'],
  ['policies', 'policy'],
  ['notes', 'note'],
])('%s tell when one is created, updated and deleted', async (table, kind) => {
  expect(await namesOf(table, { kind: 'created', after: row({ assigneeId: null }) })).toEqual([`${kind}:created`]);
  expect(await namesOf(table, updated({ title: 'a' }, { title: 'b' }))).toEqual([`${kind}:updated`]);
  expect(await namesOf(table, { kind: 'deleted', before: row({}) })).toEqual([`${kind}:deleted`]);
});

test.each([
  ['risks', { mitigationStatus: 'in_progress' }, { mitigationStatus: 'completed' }, 'risk:mitigated'],
  ['vendor_risks', { mitigationStatus: 'in_progress' }, { mitigationStatus: 'completed' }, 'vendor_risk:mitigated'],
  ['model_risks', { mitigationStatus: 'in_progress' }, { mitigationStatus: 'completed' }, 'model_risk:mitigated'],
  ['models', { status: 'pending' }, { status: 'approved' }, 'model:status_changed'],
  ['incidents', { status: 'open' }, { status: 'resolved', resolution: 'Restarted' }, 'incident:resolved'],
  ['policies', { status: 'draft' }, { status: 'published', version: '2.0' }, 'policy:published'],
  ['tasks', { status: 'open', assigneeId: null }, { status: 'completed', assigneeId: null }, 'task:completed'],
  ['tasks', { assigneeId: null }, { assigneeId: 5 }, 'task:assigned'],
  [
    'trainings',
    { status: 'planned', assignedUserIds: [] },
    { status: 'completed', assignedUserIds: [] },
    'training:completed',
  ],
  ['trainings', { assignedUserIds: [1] }, { assignedUserIds: [1, 2] }, 'training:assigned'],
])('in %s a change from %j to %j is also %s, and the same again is not', async (table, before, after, event) => {
  expect(await namesOf(table, updated(before, after))).toContain(event);
  expect(await namesOf(table, updated(after, after))).not.toContain(event);
});

test('what was before is told', async () => {
  const risk = await eventsOf('risks', updated({ mitigationStatus: 'deferred' }, { mitigationStatus: 'completed' }));
  expect(risk[1]?.own).toMatchObject({ mitigationStatus: 'completed', previousStatus: 'deferred' });
  const task = await eventsOf('tasks', updated({ assigneeId: 4 }, { assigneeId: 5 }));
  expect(task[1]?.own).toMatchObject({ assigneeId: 5, previousAssigneeId: 4 });
  const training = await eventsOf('trainings', updated({ assignedUserIds: [1] }, { assignedUserIds: [1, 2] }));
  expect(training[1]?.own).toMatchObject({ assignedUserIds: [2] });
});

test('what begins assigned, published or resolved is so from its creation', async () => {
  expect(await namesOf('tasks', { kind: 'created', after: row({ assigneeId: 5 }) })).toContain('task:assigned');
  expect(await namesOf('policies', { kind: 'created', after: row({ status: 'published' }) })).toContain(
    'policy:published',
  );
});

test('frameworks of a project are added, move and are removed', async () => {
  const own = { frameworkId: 9, progress: 10 };
  expect(await eventsOf('project_frameworks', { kind: 'created', after: row(own) })).toEqual([
    {
      event: 'framework:added',
      own: expect.objectContaining({
        projectId: 3,
        frameworkId: 9,
        projectFrameworkId: 7,
        framework: expect.objectContaining({ name: 'EU AI Act' }),
      }),
    },
  ]);
  expect(await eventsOf('project_frameworks', updated(own, { ...own, progress: 60 }))).toEqual([
    { event: 'framework:progress_changed', own: expect.objectContaining({ previousProgress: 10, progress: 60 }) },
  ]);
  expect(await namesOf('project_frameworks', { kind: 'deleted', before: row(own) })).toEqual(['framework:removed']);
});

test('reports are generated, files uploaded, questions answered', async () => {
  expect(await namesOf('reports', { kind: 'created', after: row({ reportType: 'vendors' }) })).toEqual([
    'report:generated',
  ]);
  expect(await namesOf('files', { kind: 'created', after: row({ entityType: null, entityId: null }) })).toEqual([
    'file:uploaded',
  ]);
  expect(await eventsOf('questions', updated({ answer: '' }, { answer: 'Yes' }))).toEqual([
    { event: 'question:answered', own: expect.objectContaining({ answer: 'Yes', previousAnswer: '' }) },
  ]);
});

test('a table stands after those it refers to, so that they can be made in this order', () => {
  const known = new Set<string>();
  for (const { table, fields } of allEntities) {
    for (const { references } of Object.values(fields)) {
      if (references !== undefined) expect(known).toContain(references);
    }
    known.add(table);
  }
});
