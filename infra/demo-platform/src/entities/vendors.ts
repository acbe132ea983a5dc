import { entity, lifeOf, occurred } from './entity.ts';
import { choice, longText, optional, reference, text } from './fields.ts';
import { mitigation, mitigationStatus, severity } from './mitigation.ts';

export const vendors = entity({
  one: 'vendor',
  table: 'vendors',
  fields: {
    projectId: reference('projects'),
    name: text(),
    website: optional(text(500)),
    description: longText(),
    reviewStatus: choice('not_started', 'in_review', 'reviewed', 'requires_follow_up'),
  },
  events: (change) =>
    lifeOf('vendor', change, (vendor) => ({ vendorId: vendor.id, projectId: vendor.projectId, vendor })),
});

export const vendorRisks = entity({
  one: 'vendor risk',
  table: 'vendor_risks',
  fields: {
    vendorId: reference('vendors'),
    projectId: reference('projects'),
    title: text(),
    description: longText(),
    severity,
    mitigationStatus,
  },
  events(change) {
    const about = (vendorRisk: { id: number; vendorId: number; projectId: number }) => ({
      vendorRiskId: vendorRisk.id,
      vendorId: vendorRisk.vendorId,
      projectId: vendorRisk.projectId,
      vendorRisk,
    });
    const mitigated = mitigation(change);
    return [
      ...lifeOf('vendor_risk', change, about),
      ...(change.kind === 'updated' && mitigated !== undefined
        ? [occurred('vendor_risk:mitigated', { ...about(change.after), ...mitigated })]
        : []),
    ];
  },
});
