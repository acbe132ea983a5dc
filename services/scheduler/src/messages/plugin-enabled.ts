import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginEnabled } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';

/** Jobs go on; what was missed follows each schedule's `misfire`. */
export function hearPluginEnabled(schedules: ScheduleBook, wake: () => void): FactHandler {
  return hearing(PluginEnabled, async ({ pluginId, generation }, about) => {
    await schedules.pluginChanged(tenantOf(about), pluginId, {
      ...{ change: 'enabled', generation, at: new Date(about.envelope.time) },
    });
    wake();
  });
}
