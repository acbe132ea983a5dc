import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginFailed } from '@verifywise/contracts';
import type { PluginFailure } from '@verifywise/contracts';
import { storableJson } from '@verifywise/service-kit';
import type { ReportFailure } from '../installation/report-failure.ts';

export function pluginFailed(reportFailure: ReportFailure): FactHandler {
  return hearing(PluginFailed, (failure, about) => {
    const { id, time } = about.envelope;
    // A report that cannot be stored is buried, and its plugin stays enabled with its events waiting.
    const storable = JSON.parse(storableJson(failure)) as PluginFailure;
    return reportFailure(tenantOf(about), storable, { id, at: time });
  });
}
