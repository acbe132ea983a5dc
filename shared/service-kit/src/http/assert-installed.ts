import { PlatformError, type TenantPlugins } from '@verifywise/contracts';

export type AssertInstalled = (tenant: string, pluginId: string) => Promise<void>;

/** Asks the installer what tenants have (ListInstalledPlugins). */
export type AskInstalled = (tenants: { tenant: string }[]) => Promise<TenantPlugins[]>;

/** Throws PLUGIN_NOT_INSTALLED for a plugin that the tenant does not have; when no installer says, it is taken to have it. */
export function createAssertInstalled(ask: AskInstalled): AssertInstalled {
  return async (tenant, pluginId) => {
    const answered = await ask([{ tenant }]).catch(() => null);
    const installed = answered?.find((one) => one.tenant === tenant);
    if (installed === undefined || installed.plugins.some((plugin) => plugin.pluginId === pluginId)) return;
    throw new PlatformError(
      'PLUGIN_NOT_INSTALLED',
      `Plugin ${pluginId} is not installed; GET /api/plugins lists what is there`,
    );
  };
}
