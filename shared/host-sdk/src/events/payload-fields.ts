import type { EventName, EventPayloads, UserEventPayload } from '@verifywise/plugin-types';

export type FieldKind = 'number' | 'string' | 'object' | 'numbers' | 'anything';

type OwnField<Payload> = Exclude<keyof Payload, keyof UserEventPayload>;

/** A field's kind, with `?` when it may be absent; a field of an event that is missing here does not compile. */
type FieldKinds<Payload> = {
  [Field in OwnField<Payload>]-?: object extends Pick<Payload, Field> ? `${FieldKind}?` : FieldKind;
};

const project = { projectId: 'number', project: 'object' } as const;
const risk = { riskId: 'number', projectId: 'number', risk: 'object' } as const;
const vendor = { vendorId: 'number', projectId: 'number', vendor: 'object' } as const;
const vendorRisk = { vendorRiskId: 'number', vendorId: 'number', projectId: 'number', vendorRisk: 'object' } as const;
const model = { modelId: 'number', projectId: 'number', model: 'object' } as const;
const modelRisk = { modelRiskId: 'number', modelId: 'number', projectId: 'number', modelRisk: 'object' } as const;
const incident = { incidentId: 'number', projectId: 'number?', incident: 'object' } as const;
const policy = { policyId: 'number', projectId: 'number?', policy: 'object' } as const;
const task = { taskId: 'number', projectId: 'number?', task: 'object' } as const;
const training = { trainingId: 'number', training: 'object' } as const;
const note = { noteId: 'number', entityType: 'string', entityId: 'number', note: 'object' } as const;
const file = { fileId: 'number', entityType: 'string?', entityId: 'number?', file: 'object' } as const;
const user = { userId: 'number', user: 'object' } as const;
const framework = { projectId: 'number', projectFrameworkId: 'number', frameworkId: 'number' } as const;
const report = { reportId: 'number', projectId: 'number', report: 'object' } as const;
const plugin = { pluginId: 'string' } as const;

const changes = { changes: 'object' } as const;
const mitigation = { mitigationStatus: 'string', previousStatus: 'string' } as const;

/** What every event of the platform carries beside tenant, timestamp and who triggered it (S:17.2, contract §1). */
export const payloadFields: { [Name in EventName]: FieldKinds<EventPayloads[Name]> } = {
  'project:created': project,
  'project:updated': { ...project, ...changes },
  'project:deleted': project,
  'risk:created': risk,
  'risk:updated': { ...risk, ...changes },
  'risk:deleted': risk,
  'risk:mitigated': { ...risk, ...mitigation },
  'vendor:created': vendor,
  'vendor:updated': { ...vendor, ...changes },
  'vendor:deleted': vendor,
  'vendor_risk:created': vendorRisk,
  'vendor_risk:updated': { ...vendorRisk, ...changes },
  'vendor_risk:deleted': vendorRisk,
  'vendor_risk:mitigated': { ...vendorRisk, ...mitigation },
  'model:created': model,
  'model:updated': { ...model, ...changes },
  'model:deleted': model,
  'model:status_changed': { ...model, previousStatus: 'string', newStatus: 'string' },
  'model_risk:created': modelRisk,
  'model_risk:updated': { ...modelRisk, ...changes },
  'model_risk:deleted': modelRisk,
  'model_risk:mitigated': { ...modelRisk, ...mitigation },
  'incident:created': incident,
  'incident:updated': { ...incident, ...changes },
  'incident:deleted': incident,
  'incident:resolved': { ...incident, resolution: 'string' },
  'policy:created': policy,
  'policy:updated': { ...policy, ...changes },
  'policy:deleted': policy,
  'policy:published': { ...policy, version: 'string' },
  'task:created': task,
  'task:updated': { ...task, ...changes },
  'task:deleted': task,
  'task:completed': task,
  'task:assigned': { ...task, assigneeId: 'number', previousAssigneeId: 'number?' },
  'training:created': training,
  'training:updated': { ...training, ...changes },
  'training:deleted': training,
  'training:completed': { ...training, completedByUserId: 'number' },
  'training:assigned': { ...training, assignedUserIds: 'numbers' },
  'note:created': note,
  'note:updated': { ...note, ...changes },
  'note:deleted': note,
  'file:uploaded': file,
  'file:updated': { ...file, ...changes },
  'file:deleted': file,
  'user:login': user,
  'user:logout': { userId: 'number' },
  'user:created': user,
  'user:updated': { ...user, ...changes },
  'user:deleted': user,
  'framework:added': { ...framework, framework: 'object' },
  'framework:removed': { ...framework, framework: 'object' },
  'framework:progress_changed': { ...framework, previousProgress: 'number', progress: 'number' },
  'report:generated': { ...report, reportType: 'string' },
  'report:exported': { ...report, format: 'string' },
  'assessment:updated': { projectId: 'number', assessmentId: 'number', assessment: 'object', ...changes },
  'question:answered': {
    projectId: 'number',
    questionId: 'number',
    question: 'object',
    answer: 'anything',
    previousAnswer: 'anything?',
  },
  'control:updated': { projectId: 'number', controlId: 'number', control: 'object', ...changes },
  'subcontrol:updated': { projectId: 'number', subcontrolId: 'number', subcontrol: 'object', ...changes },
  'plugin:loaded': plugin,
  'plugin:unloaded': plugin,
  'plugin:enabled': plugin,
  'plugin:disabled': plugin,
};
