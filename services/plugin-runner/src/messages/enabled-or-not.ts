import { PlatformError } from '@verifywise/contracts';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';
import type { Hosting } from '../hosting/hosting.ts';

export type Attempt<Result> =
  { kind: 'done'; result: Result } | { kind: 'not-enabled'; because?: string } | { kind: 'failed'; error: Error };

/** Has an enabled plugin do something. Rejects only when the plugin has moved to another runner, where it is to be done instead. */
export async function enabledOrNot<Result>(
  hosting: Pick<Hosting, 'enabledPlugin'>,
  tenant: string,
  pluginId: string,
  act: (plugin: HostedPlugin) => Promise<Result>,
): Promise<Attempt<Result>> {
  let plugin: HostedPlugin | undefined;
  try {
    plugin = await hosting.enabledPlugin(tenant, pluginId);
    return { kind: 'done', result: await act(plugin) };
  } catch (error) {
    const code = error instanceof PlatformError ? error.code : undefined;
    if (plugin?.gone === 'moved' || code === 'NOT_THE_OWNER') {
      throw new PlatformError('NOT_THE_OWNER', `${pluginId} has moved to another runner`, { cause: error });
    }
    // Between two versions, or cut off by that: whoever sent the work sends it again while the plugin is to be enabled.
    if (code === 'UNAVAILABLE') return { kind: 'not-enabled', because: (error as Error).message };
    if (code === 'PLUGIN_NOT_ENABLED' || code === 'PLUGIN_NOT_INSTALLED') return { kind: 'not-enabled' };
    return { kind: 'failed', error: error as Error };
  }
}

/** The outcome of work that an enabled plugin would have done. */
export function notEnabled({ because }: { because?: string }): { outcome: 'not-enabled'; error?: { message: string } } {
  return because === undefined ? { outcome: 'not-enabled' } : { outcome: 'not-enabled', error: { message: because } };
}
