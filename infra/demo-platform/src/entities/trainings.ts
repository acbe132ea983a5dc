import { became, entity, lifeOf, occurred } from './entity.ts';
import { choice, longText, text, userIds } from './fields.ts';

export const trainings = entity({
  one: 'training',
  table: 'trainings',
  fields: {
    title: text(),
    description: longText(),
    status: choice('planned', 'in_progress', 'completed'),
    assignedUserIds: userIds(),
  },
  events(change, { userId }) {
    const events = lifeOf('training', change, (training) => ({ trainingId: training.id, training }));
    if (change.kind === 'deleted') return events;
    const { after: training } = change;
    const before = new Set(change.kind === 'updated' ? change.before.assignedUserIds : []);
    const assignedUserIds = training.assignedUserIds.filter((id) => !before.has(id));
    if (assignedUserIds.length > 0) {
      events.push(occurred('training:assigned', { trainingId: training.id, training, assignedUserIds }));
    }
    if (became(change, 'status', 'completed')) {
      events.push(occurred('training:completed', { trainingId: training.id, training, completedByUserId: userId }));
    }
    return events;
  },
});
