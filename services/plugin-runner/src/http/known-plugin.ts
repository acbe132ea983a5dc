import type { Request } from 'express';
import { PlatformError } from '@verifywise/contracts';
import { identityOf } from '@verifywise/service-kit';

/** Whether the tenant has the plugin, or has had it. */
export type KnowsPlugin = (tenant: string, pluginId: string) => Promise<boolean>;

/** Finds out which plugin of whose a request is about; PLUGIN_NOT_INSTALLED, and what follows from that, when nobody knows it. */
export function knownPlugin(
  knows: KnowsPlugin,
  therefore: string,
): (req: Request) => Promise<{ tenant: string; pluginId: string }> {
  return async (req) => {
    const { tenant } = identityOf(req);
    const pluginId = String(req.params.id);
    if (await knows(tenant, pluginId)) return { tenant, pluginId };
    throw new PlatformError('PLUGIN_NOT_INSTALLED', `${pluginId} is not installed${therefore}`);
  };
}
