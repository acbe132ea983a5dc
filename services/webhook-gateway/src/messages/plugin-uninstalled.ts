import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { PluginUninstalled } from '@verifywise/contracts';
import type { EndpointTokens } from '../intake/endpoint.ts';
import type { RequestBook } from '../intake/request-book.ts';

/** Whoever kept the plugin's data keeps its URLs too: senders need not be told when it is installed again. */
export function hearPluginUninstalled(tokens: EndpointTokens, requests: RequestBook): FactHandler {
  return hearing(PluginUninstalled, async ({ pluginId, dataDeleted }, about) => {
    if (!dataDeleted) return;
    const tenant = tenantOf(about);
    await tokens.forgetPlugin(tenant, pluginId);
    await requests.forgetPlugin(tenant, pluginId);
  });
}
