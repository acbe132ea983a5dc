/** What the feed hears: the field of the payload that holds the entity, and the actions, by the entity's type. */
const recorded: Record<string, { field: string; actions: string[] }> = {
  project: { field: 'project', actions: ['created', 'updated', 'deleted'] },
  risk: { field: 'risk', actions: ['created', 'updated', 'deleted', 'mitigated'] },
  vendor: { field: 'vendor', actions: ['created', 'updated', 'deleted'] },
  vendor_risk: { field: 'vendorRisk', actions: ['created', 'updated', 'deleted', 'mitigated'] },
  model: { field: 'model', actions: ['created', 'updated', 'deleted', 'status_changed'] },
  model_risk: { field: 'modelRisk', actions: ['created', 'updated', 'deleted', 'mitigated'] },
  incident: { field: 'incident', actions: ['created', 'updated', 'deleted', 'resolved'] },
  policy: { field: 'policy', actions: ['created', 'updated', 'deleted', 'published'] },
  task: { field: 'task', actions: ['created', 'updated', 'deleted', 'completed', 'assigned'] },
  training: { field: 'training', actions: ['created', 'updated', 'deleted', 'completed', 'assigned'] },
};

export interface RecordedEvent {
  /** `risk:created` */
  name: string;
  /** `risk` */
  entityType: string;
  /** `created` */
  action: string;
  /** Where in the payload the entity is. */
  field: string;
}

export const recordedEvents: RecordedEvent[] = Object.entries(recorded).flatMap(([entityType, { field, actions }]) =>
  actions.map((action) => ({ name: `${entityType}:${action}`, entityType, action, field })),
);
