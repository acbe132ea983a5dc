import { entity, occurred } from './entity.ts';
import { choice, longText, reference, text } from './fields.ts';

/** Things that a project's frameworks bring along: the contract has one event for each (contract §1). */
export const assessments = entity({
  one: 'assessment',
  table: 'assessments',
  fields: { projectId: reference('projects'), title: text(), status: choice('open', 'in_progress', 'done') },
  events(change) {
    if (change.kind !== 'updated') return [];
    const { after: assessment, changes } = change;
    const { id: assessmentId, projectId } = assessment;
    return [occurred('assessment:updated', { projectId, assessmentId, assessment, changes })];
  },
});

export const questions = entity({
  one: 'question',
  table: 'questions',
  fields: { projectId: reference('projects'), question: text(2000), answer: longText() },
  events(change) {
    if (change.kind !== 'updated' || change.before.answer === change.after.answer) return [];
    const { before, after: question } = change;
    const { id: questionId, projectId, answer } = question;
    return [occurred('question:answered', { projectId, questionId, question, answer, previousAnswer: before.answer })];
  },
});

export const controls = entity({
  one: 'control',
  table: 'controls',
  fields: { projectId: reference('projects'), title: text(), status: choice('open', 'in_progress', 'done') },
  events(change) {
    if (change.kind !== 'updated') return [];
    const { after: control, changes } = change;
    return [occurred('control:updated', { projectId: control.projectId, controlId: control.id, control, changes })];
  },
});

export const subcontrols = entity({
  one: 'subcontrol',
  table: 'subcontrols',
  fields: {
    projectId: reference('projects'),
    controlId: reference('controls'),
    title: text(),
    status: choice('open', 'in_progress', 'done'),
  },
  events(change) {
    if (change.kind !== 'updated') return [];
    const { after: subcontrol, changes } = change;
    const { id: subcontrolId, projectId } = subcontrol;
    return [occurred('subcontrol:updated', { projectId, subcontrolId, subcontrol, changes })];
  },
});
