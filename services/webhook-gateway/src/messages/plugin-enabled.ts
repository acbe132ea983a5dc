import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginEnabled } from '@verifywise/contracts';
import type { RequestBook } from '../intake/request-book.ts';

/** A plugin is there again, after an upgrade or because an admin has enabled it: what waits for it need not wait any longer. */
export function hearPluginEnabled(requests: RequestBook, wake: () => void): FactHandler {
  return hearing(PluginEnabled, async ({ pluginId }, about) => {
    await requests.wakeWaiting(tenantOf(about), pluginId);
    wake();
  });
}
