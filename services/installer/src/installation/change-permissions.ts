import { PluginPermissionsChanged } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import { PlatformError } from '@verifywise/contracts';
import { factOf, lock } from './settle.ts';
import type { Actor, Transact } from './transaction.ts';

export interface PermissionsView {
  declared: Permission[];
  granted: Permission[];
}

export type ChangePermissions = (
  tenant: string,
  pluginId: string,
  granted: Permission[],
  actor: Actor,
) => Promise<PermissionsView>;

/** An admin grants more than was declared, or takes away (contract §2). */
export function createChangePermissions(transact: Transact): ChangePermissions {
  return (tenant, pluginId, granted, actor) =>
    transact(async (tx) => {
      const record = await lock(tx, tenant, pluginId);
      if (record.target !== null) {
        throw new PlatformError('BUSY', `Plugin ${pluginId} has an operation under way; wait until it has finished`);
      }
      const changed = {
        ...record,
        granted: [...new Set(granted)],
        generation: await tx.nextGeneration(),
        updatedAt: new Date(),
      };
      await tx.saveInstallation(changed);
      await tx.tellRunner(changed);
      const change = { before: { granted: record.granted }, after: { granted: changed.granted } };
      await tx.audit(tenant, { pluginId, action: 'permissions', actor, ...change });
      await tx.publish(PluginPermissionsChanged, tenant, factOf(changed));
      return { declared: record.manifest.permissions, granted: changed.granted };
    });
}
