import type { Broker } from '@verifywise/broker';
import { ListInstalledPlugins, PlatformError } from '@verifywise/contracts';

/** Whoever asks for a list does not wait for an installer that is not there. */
const ANSWER_DEADLINE_MS = 2_000;

export type AssertInstalled = (tenant: string, pluginId: string) => Promise<void>;

/** Throws PLUGIN_NOT_INSTALLED for a plugin that the tenant does not have; when no installer says, it is taken to have it. */
export function createAssertInstalled(broker: Pick<Broker, 'ask'>): AssertInstalled {
  return async (tenant, pluginId) => {
    const about = { tenant: null, payload: { tenants: [{ tenant }] } };
    const answered = await broker
      .ask(ListInstalledPlugins, about, { deadlineMs: ANSWER_DEADLINE_MS })
      .catch(() => null);
    const installed = answered?.find((one) => one.tenant === tenant);
    if (installed === undefined || installed.plugins.some((plugin) => plugin.pluginId === pluginId)) return;
    throw new PlatformError(
      'PLUGIN_NOT_INSTALLED',
      `Plugin ${pluginId} is not installed; GET /api/plugins lists what is there`,
    );
  };
}
