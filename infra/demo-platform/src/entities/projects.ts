import { entity, lifeOf } from './entity.ts';
import { choice, longText, optional, reference, text } from './fields.ts';

export const projects = entity({
  one: 'project',
  table: 'projects',
  fields: {
    title: text(),
    description: longText(),
    status: choice('active', 'on_hold', 'closed'),
    ownerId: optional(reference('users')),
  },
  events: (change) => lifeOf('project', change, (project) => ({ projectId: project.id, project })),
});
