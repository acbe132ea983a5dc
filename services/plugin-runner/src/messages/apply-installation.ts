import type { WorkDelivery } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import type { InstallationRecords } from '../hosting/reconcile.ts';

/** `runner.apply-installation`: an installation has changed; what runs here follows. */
export function applyInstallation(hosting: Hosting, installations: InstallationRecords) {
  return async ({ installation }: { installation: Installation }, delivery: WorkDelivery): Promise<void> => {
    // Before anything is waited for: a step that was sent later must find that its operation has ended.
    hosting.apply(installation);
    await installations.save(installation);
    delivery.ack();
  };
}
