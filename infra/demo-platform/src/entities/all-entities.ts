import { assessments, controls, questions, subcontrols } from './compliance.ts';
import type { Entity } from './entity.ts';
import { files } from './files.ts';
import { frameworks, projectFrameworks } from './frameworks.ts';
import { incidents } from './incidents.ts';
import { modelRisks, models } from './models.ts';
import { notes } from './notes.ts';
import { policies } from './policies.ts';
import { projects } from './projects.ts';
import { reports } from './reports.ts';
import { risks } from './risks.ts';
import { tasks } from './tasks.ts';
import { trainings } from './trainings.ts';
import { users } from './users.ts';
import { vendorRisks, vendors } from './vendors.ts';

/** Everything the platform keeps; a table stands after those it refers to. */
export const allEntities: readonly Entity[] = [
  users,
  projects,
  risks,
  vendors,
  vendorRisks,
  models,
  modelRisks,
  tasks,
  incidents,
  policies,
  trainings,
  notes,
  files,
  frameworks,
  projectFrameworks,
  reports,
  assessments,
  questions,
  controls,
  subcontrols,
];

/** The core models of the platform (S:22.6), which plugins may read. */
export const coreModels: readonly Entity[] = [
  users,
  projects,
  risks,
  vendors,
  vendorRisks,
  models,
  modelRisks,
  tasks,
  incidents,
  policies,
  trainings,
  notes,
  files,
];
