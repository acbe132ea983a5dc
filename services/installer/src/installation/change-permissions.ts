import { PlatformError, PluginPermissionsChanged, type PluginState } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import { permissionsView, type PermissionsView } from './permissions-view.ts';
import { factOf, lock } from './settle.ts';
import type { Actor, Transact } from './transaction.ts';

export type ChangePermissions = (
  tenant: string,
  pluginId: string,
  granted: Permission[],
  actor: Actor,
) => Promise<PermissionsView>;

/** An operation has said what the plugin will be granted, also before its first hook. */
const underWay: PluginState[] = ['installing', 'updating', 'uninstalling'];

/** An admin grants more than was declared, or takes away (contract §2). */
export function createChangePermissions(transact: Transact): ChangePermissions {
  return (tenant, pluginId, wanted, actor) =>
    transact(async (tx) => {
      const record = await lock(tx, tenant, pluginId);
      if (record.target !== null || underWay.includes(record.state)) {
        throw new PlatformError('BUSY', `Plugin ${pluginId} has an operation under way; wait until it has finished`);
      }
      const granted = [...new Set(wanted)];
      if (hasSame(record.granted, granted)) return permissionsView(record);
      const changed = { ...record, granted, generation: await tx.nextGeneration(), updatedAt: new Date() };
      await tx.saveInstallation(changed);
      await tx.tellRunner(changed);
      const change = { before: { granted: record.granted }, after: { granted } };
      await tx.audit(tenant, { pluginId, action: 'permissions', actor, ...change });
      await tx.publish(PluginPermissionsChanged, tenant, factOf(changed));
      return permissionsView(changed);
    });
}

function hasSame(one: Permission[], other: Permission[]): boolean {
  return one.length === other.length && one.every((permission) => other.includes(permission));
}
