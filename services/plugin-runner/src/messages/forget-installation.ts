import type { WorkDelivery } from '@verifywise/broker';
import type { Hosting } from '../hosting/hosting.ts';
import type { InstallationRecords } from '../hosting/reconcile.ts';

/** `runner.forget-installation`: the tenant no longer has this plugin. */
export function forgetInstallation(hosting: Hosting, installations: InstallationRecords) {
  return async (
    { pluginId, generation }: { pluginId: string; generation: number },
    delivery: WorkDelivery,
  ): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    await installations.remove(tenant, pluginId, generation);
    await hosting.forget(tenant, pluginId, generation);
    delivery.ack();
  };
}
