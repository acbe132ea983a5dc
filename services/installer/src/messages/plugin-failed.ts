import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginFailed } from '@verifywise/contracts';
import type { ReportFailure } from '../installation/report-failure.ts';

export function pluginFailed(reportFailure: ReportFailure): FactHandler {
  return hearing(PluginFailed, (failure, about) => {
    const { id, time } = about.envelope;
    return reportFailure(tenantOf(about), failure, { id, at: time });
  });
}
