import { entity, lifeOf, occurred } from './entity.ts';
import { choice, longText, optional, reference, text } from './fields.ts';
import { mitigation, mitigationStatus, severity } from './mitigation.ts';

export const models = entity({
  one: 'model',
  table: 'models',
  fields: {
    projectId: reference('projects'),
    name: text(),
    provider: optional(text()),
    version: optional(text(100)),
    status: choice('pending', 'approved', 'restricted', 'blocked'),
  },
  events(change) {
    const about = (model: { id: number; projectId: number }) => ({
      modelId: model.id,
      projectId: model.projectId,
      model,
    });
    const events = lifeOf('model', change, about);
    if (change.kind === 'updated' && change.before.status !== change.after.status) {
      const { before, after } = change;
      events.push(
        occurred('model:status_changed', { ...about(after), previousStatus: before.status, newStatus: after.status }),
      );
    }
    return events;
  },
});

export const modelRisks = entity({
  one: 'model risk',
  table: 'model_risks',
  fields: {
    modelId: reference('models'),
    projectId: reference('projects'),
    title: text(),
    description: longText(),
    severity,
    mitigationStatus,
  },
  events(change) {
    const about = (modelRisk: { id: number; modelId: number; projectId: number }) => ({
      modelRiskId: modelRisk.id,
      modelId: modelRisk.modelId,
      projectId: modelRisk.projectId,
      modelRisk,
    });
    const mitigated = mitigation(change);
    return [
      ...lifeOf('model_risk', change, about),
      ...(change.kind === 'updated' && mitigated !== undefined
        ? [occurred('model_risk:mitigated', { ...about(change.after), ...mitigated })]
        : []),
    ];
  },
});
