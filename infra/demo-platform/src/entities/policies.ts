import { became, entity, lifeOf, occurred, whenSet } from './entity.ts';
import { choice, longText, optional, reference, text } from './fields.ts';

export const policies = entity({
  one: 'policy',
  table: 'policies',
  fields: {
    projectId: optional(reference('projects')),
    title: text(),
    content: longText(),
    status: choice('draft', 'in_review', 'published', 'archived'),
    version: { ...text(50), column: `text NOT NULL DEFAULT '1.0'`, required: false },
  },
  events(change) {
    const about = (policy: { id: number; projectId: number | null }) => ({
      policyId: policy.id,
      ...whenSet('projectId', policy.projectId),
      policy,
    });
    const events = lifeOf('policy', change, about);
    if (change.kind !== 'deleted' && became(change, 'status', 'published')) {
      events.push(occurred('policy:published', { ...about(change.after), version: change.after.version }));
    }
    return events;
  },
});
