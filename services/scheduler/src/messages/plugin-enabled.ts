import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginEnabled } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';

/** Jobs go on; what was missed follows each schedule's `misfire`. */
export function hearPluginEnabled(schedules: ScheduleBook, wake: () => void): FactHandler {
  return hearing(PluginEnabled, async ({ pluginId }, about) => {
    await schedules.pluginChanged(tenantOf(about), pluginId, 'enabled', new Date(about.envelope.time));
    wake();
  });
}
