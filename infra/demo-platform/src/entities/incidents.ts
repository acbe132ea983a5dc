import { became, entity, lifeOf, occurred, whenSet } from './entity.ts';
import { choice, longText, optional, reference, text } from './fields.ts';
import { severity } from './mitigation.ts';

export const incidents = entity({
  one: 'incident',
  table: 'incidents',
  fields: {
    projectId: optional(reference('projects')),
    title: text(),
    description: longText(),
    severity,
    status: choice('open', 'investigating', 'resolved'),
    resolution: longText(),
  },
  events(change) {
    const about = (incident: { id: number; projectId: number | null }) => ({
      incidentId: incident.id,
      ...whenSet('projectId', incident.projectId),
      incident,
    });
    const events = lifeOf('incident', change, about);
    if (change.kind !== 'deleted' && became(change, 'status', 'resolved')) {
      events.push(occurred('incident:resolved', { ...about(change.after), resolution: change.after.resolution }));
    }
    return events;
  },
});
