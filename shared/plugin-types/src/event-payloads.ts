import type { BaseEventPayload, Changes, EventEntity, UserEventPayload } from './events.ts';

interface WithChanges {
  changes: Changes;
}

interface ProjectEvent extends UserEventPayload {
  projectId: number;
  project: EventEntity;
}

interface RiskEvent extends UserEventPayload {
  riskId: number;
  projectId: number;
  risk: EventEntity;
}

interface VendorEvent extends UserEventPayload {
  vendorId: number;
  projectId: number;
  vendor: EventEntity;
}

interface VendorRiskEvent extends UserEventPayload {
  vendorRiskId: number;
  vendorId: number;
  projectId: number;
  vendorRisk: EventEntity;
}

interface ModelEvent extends UserEventPayload {
  modelId: number;
  projectId: number;
  model: EventEntity;
}

interface ModelRiskEvent extends UserEventPayload {
  modelRiskId: number;
  modelId: number;
  projectId: number;
  modelRisk: EventEntity;
}

interface IncidentEvent extends UserEventPayload {
  incidentId: number;
  projectId?: number;
  incident: EventEntity;
}

interface PolicyEvent extends UserEventPayload {
  policyId: number;
  projectId?: number;
  policy: EventEntity;
}

interface TaskEvent extends UserEventPayload {
  taskId: number;
  projectId?: number;
  task: EventEntity;
}

interface TrainingEvent extends UserEventPayload {
  trainingId: number;
  training: EventEntity;
}

interface NoteEvent extends UserEventPayload {
  noteId: number;
  entityType: string;
  entityId: number;
  note: EventEntity;
}

interface FileEvent extends UserEventPayload {
  fileId: number;
  entityType?: string;
  entityId?: number;
  file: EventEntity;
}

interface UserEvent extends UserEventPayload {
  userId: number;
  user: EventEntity;
}

interface FrameworkEvent extends UserEventPayload {
  projectId: number;
  projectFrameworkId: number;
  frameworkId: number;
}

interface ReportEvent extends UserEventPayload {
  reportId: number;
  projectId: number;
  report: EventEntity;
}

interface PluginEvent extends BaseEventPayload {
  pluginId: string;
}

/**
 * The events of the platform (S:17, contract §1) and what each carries. In a `deleted` event the entity is as it was before.
 * The entity of an event whose project is optional may belong to none.
 */
export interface EventPayloads {
  'project:created': ProjectEvent;
  'project:updated': ProjectEvent & WithChanges;
  'project:deleted': ProjectEvent;

  'risk:created': RiskEvent;
  'risk:updated': RiskEvent & WithChanges;
  'risk:deleted': RiskEvent;
  'risk:mitigated': RiskEvent & { mitigationStatus: string; previousStatus: string };

  'vendor:created': VendorEvent;
  'vendor:updated': VendorEvent & WithChanges;
  'vendor:deleted': VendorEvent;

  'vendor_risk:created': VendorRiskEvent;
  'vendor_risk:updated': VendorRiskEvent & WithChanges;
  'vendor_risk:deleted': VendorRiskEvent;
  'vendor_risk:mitigated': VendorRiskEvent & { mitigationStatus: string; previousStatus: string };

  'model:created': ModelEvent;
  'model:updated': ModelEvent & WithChanges;
  'model:deleted': ModelEvent;
  'model:status_changed': ModelEvent & { previousStatus: string; newStatus: string };

  'model_risk:created': ModelRiskEvent;
  'model_risk:updated': ModelRiskEvent & WithChanges;
  'model_risk:deleted': ModelRiskEvent;
  'model_risk:mitigated': ModelRiskEvent & { mitigationStatus: string; previousStatus: string };

  'incident:created': IncidentEvent;
  'incident:updated': IncidentEvent & WithChanges;
  'incident:deleted': IncidentEvent;
  'incident:resolved': IncidentEvent & { resolution: string };

  'policy:created': PolicyEvent;
  'policy:updated': PolicyEvent & WithChanges;
  'policy:deleted': PolicyEvent;
  'policy:published': PolicyEvent & { version: string };

  'task:created': TaskEvent;
  'task:updated': TaskEvent & WithChanges;
  'task:deleted': TaskEvent;
  'task:completed': TaskEvent;
  'task:assigned': TaskEvent & { assigneeId: number; previousAssigneeId?: number };

  'training:created': TrainingEvent;
  'training:updated': TrainingEvent & WithChanges;
  'training:deleted': TrainingEvent;
  'training:completed': TrainingEvent & { completedByUserId: number };
  'training:assigned': TrainingEvent & { assignedUserIds: number[] };

  'note:created': NoteEvent;
  'note:updated': NoteEvent & WithChanges;
  'note:deleted': NoteEvent;

  'file:uploaded': FileEvent;
  'file:updated': FileEvent & WithChanges;
  'file:deleted': FileEvent;

  'user:login': UserEvent;
  'user:logout': UserEventPayload & { userId: number };
  'user:created': UserEvent;
  'user:updated': UserEvent & WithChanges;
  'user:deleted': UserEvent;

  'framework:added': FrameworkEvent & { framework: EventEntity };
  'framework:removed': FrameworkEvent & { framework: EventEntity };
  'framework:progress_changed': FrameworkEvent & { previousProgress: number; progress: number };

  'report:generated': ReportEvent & { reportType: string };
  'report:exported': ReportEvent & { format: string };

  'assessment:updated': UserEventPayload &
    WithChanges & { projectId: number; assessmentId: number; assessment: EventEntity };
  'question:answered': UserEventPayload & {
    projectId: number;
    questionId: number;
    question: EventEntity;
    answer: unknown;
    previousAnswer?: unknown;
  };
  'control:updated': UserEventPayload & WithChanges & { projectId: number; controlId: number; control: EventEntity };
  'subcontrol:updated': UserEventPayload &
    WithChanges & { projectId: number; subcontrolId: number; subcontrol: EventEntity };

  // The platform itself causes these four, so nobody triggered them.
  'plugin:loaded': PluginEvent;
  'plugin:unloaded': PluginEvent;
  'plugin:enabled': PluginEvent;
  'plugin:disabled': PluginEvent;
}

/** The name of an event of the platform. Plugins may publish and hear others: `plugin:<id>:<name>`. */
export type EventName = keyof EventPayloads;
