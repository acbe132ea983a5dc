import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginUninstalled } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';

/** Jobs are gone with their plugin, whether or not its data stays: its next life schedules its own. */
export function hearPluginUninstalled(schedules: ScheduleBook): FactHandler {
  return hearing(PluginUninstalled, ({ pluginId, generation }, about) =>
    schedules.pluginChanged(tenantOf(about), pluginId, {
      ...{ change: 'uninstalled', generation, at: new Date(about.envelope.time) },
    }),
  );
}
