import { entity, lifeOf, occurred } from './entity.ts';
import { date, longText, optional, reference, text } from './fields.ts';
import { mitigation, mitigationStatus, severity } from './mitigation.ts';

export const risks = entity({
  one: 'risk',
  table: 'risks',
  fields: {
    projectId: reference('projects'),
    title: text(),
    description: longText(),
    severity,
    mitigationStatus,
    ownerId: optional(reference('users')),
    dueDate: optional(date()),
  },
  events(change) {
    const events = lifeOf('risk', change, (risk) => ({ riskId: risk.id, projectId: risk.projectId, risk }));
    const mitigated = mitigation(change);
    if (change.kind === 'updated' && mitigated !== undefined) {
      const { after } = change;
      events.push(
        occurred('risk:mitigated', { riskId: after.id, projectId: after.projectId, risk: after, ...mitigated }),
      );
    }
    return events;
  },
});
