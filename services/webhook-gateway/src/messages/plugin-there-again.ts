import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginEnabled, PluginRolledBack, PluginUpdated, type Fact, type PluginFact } from '@verifywise/contracts';
import type { RequestBook } from '../intake/request-book.ts';

/** What ends the time in which an enabled plugin is not there: another version is enabled by then, or an admin has enabled it. */
const THERE_AGAIN: Fact<PluginFact>[] = [PluginEnabled, PluginUpdated, PluginRolledBack];

/** A plugin is there again: what waits for it need not wait any longer. */
export function hearPluginThereAgain(requests: RequestBook, wake: () => void): FactHandler[] {
  return THERE_AGAIN.map((fact) =>
    hearing(fact, async ({ pluginId }, about) => {
      await requests.wakeWaiting(tenantOf(about), pluginId);
      wake();
    }),
  );
}
