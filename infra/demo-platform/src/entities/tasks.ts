import { became, entity, lifeOf, occurred, whenSet } from './entity.ts';
import { choice, date, longText, optional, reference, text } from './fields.ts';

export const tasks = entity({
  one: 'task',
  table: 'tasks',
  fields: {
    projectId: optional(reference('projects')),
    title: text(),
    description: longText(),
    status: choice('open', 'in_progress', 'completed'),
    assigneeId: optional(reference('users')),
    dueDate: optional(date()),
  },
  events(change) {
    const about = (task: { id: number; projectId: number | null }) => ({
      taskId: task.id,
      ...whenSet('projectId', task.projectId),
      task,
    });
    const events = lifeOf('task', change, about);
    if (change.kind === 'deleted') return events;
    const { assigneeId } = change.after;
    const previous = change.kind === 'updated' ? change.before.assigneeId : null;
    if (assigneeId !== null && assigneeId !== previous) {
      events.push(
        occurred('task:assigned', { ...about(change.after), assigneeId, ...whenSet('previousAssigneeId', previous) }),
      );
    }
    if (became(change, 'status', 'completed')) events.push(occurred('task:completed', about(change.after)));
    return events;
  },
});
