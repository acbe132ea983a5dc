import { entity, occurred } from './entity.ts';
import { integer, longText, optional, reference, text } from './fields.ts';

/** What a tenant may work by: the EU AI Act, ISO 42001, … The spec has no events for the list itself. */
export const frameworks = entity({
  one: 'framework',
  table: 'frameworks',
  fields: { name: text(), version: optional(text(50)), description: longText() },
  unique: ['name'],
  events: () => [],
});

/** A framework that a project works by, and how far it is. */
export const projectFrameworks = entity({
  one: 'project framework',
  table: 'project_frameworks',
  fields: { projectId: reference('projects'), frameworkId: reference('frameworks'), progress: integer(0, 100, 0) },
  unique: ['projectId', 'frameworkId'],
  async events(change, { find }) {
    const row = change.kind === 'deleted' ? change.before : change.after;
    const { projectId, frameworkId } = row;
    const own = { projectId, frameworkId, projectFrameworkId: row.id };
    switch (change.kind) {
      case 'created':
        return [occurred('framework:added', { ...own, framework: await find('frameworks', frameworkId) })];
      case 'deleted':
        return [occurred('framework:removed', { ...own, framework: await find('frameworks', frameworkId) })];
      case 'updated': {
        const { progress: previousProgress } = change.before;
        if (previousProgress === row.progress) return [];
        return [occurred('framework:progress_changed', { ...own, previousProgress, progress: row.progress })];
      }
    }
  },
});
