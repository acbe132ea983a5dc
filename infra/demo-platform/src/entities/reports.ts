import { entity, occurred } from './entity.ts';
import { choice, reference, text } from './fields.ts';

/** Creating one is generating it; exporting is an action of its own (http/report-export-routes.ts). */
export const reports = entity({
  one: 'report',
  table: 'reports',
  fields: {
    projectId: reference('projects'),
    title: text(),
    reportType: choice('project_risks', 'vendors', 'compliance', 'assessment'),
  },
  events(change) {
    if (change.kind !== 'created') return [];
    const { after: report } = change;
    const { id: reportId, projectId, reportType } = report;
    return [occurred('report:generated', { reportId, projectId, reportType, report })];
  },
});
