import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginDisabled } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';

/** Jobs pause on disable, also when the plugin forgets to cancel them. */
export function hearPluginDisabled(schedules: ScheduleBook): FactHandler {
  return hearing(PluginDisabled, ({ pluginId, generation }, about) =>
    schedules.pluginChanged(tenantOf(about), pluginId, {
      ...{ change: 'disabled', generation, at: new Date(about.envelope.time) },
    }),
  );
}
