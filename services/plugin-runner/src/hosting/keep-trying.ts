import type { Logger } from '@verifywise/service-kit';
import { pause } from '../pause.ts';
import type { HostedPlugin } from './hosted-plugin.ts';

const AGAIN_MS = 200;
const AGAIN_AT_MOST_MS = 5_000;

/** Stores something about a plugin, however long the database is away; false when the plugin has left this runner before that. */
export async function keepTrying(
  plugin: Pick<HostedPlugin, 'gone' | 'tenant' | 'pluginId'>,
  what: string,
  store: () => Promise<void>,
  log: Logger,
): Promise<boolean> {
  const { tenant, pluginId } = plugin;
  for (let attempt = 1; plugin.gone === undefined; attempt += 1) {
    try {
      await store();
      return true;
    } catch (error) {
      log.warn({ err: error, attempt, tenant, pluginId }, `${what} could not be stored yet`);
      await pause(Math.min(AGAIN_MS * attempt, AGAIN_AT_MOST_MS));
    }
  }
  return false;
}
