import type { Logger } from '@verifywise/service-kit';
import { pause } from '../pause.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import { isNeverStorable } from './never-storable.ts';

const AGAIN_MS = 200;
const AGAIN_AT_MOST_MS = 5_000;

export interface Keeping {
  log: Pick<Logger, 'warn' | 'error'>;
  /** The database can never keep it, and it was given up. */
  refused: () => void;
}

/**
 * Stores something about a plugin, however long the database is away; false when the plugin has left this runner before that. What the
 * database will never take is given up, since everything behind it would wait for ever.
 */
export async function keepTrying(
  plugin: Pick<HostedPlugin, 'gone' | 'tenant' | 'pluginId'>,
  what: string,
  store: () => Promise<void>,
  { log, refused }: Keeping,
): Promise<boolean> {
  const { tenant, pluginId } = plugin;
  for (let attempt = 1; plugin.gone === undefined; attempt += 1) {
    try {
      await store();
      return true;
    } catch (error) {
      if (isNeverStorable(error)) {
        log.error({ err: error, tenant, pluginId }, `${what} was given up: the database can never keep it`);
        refused();
        return true;
      }
      log.warn({ err: error, attempt, tenant, pluginId }, `${what} could not be stored yet`);
      await pause(Math.min(AGAIN_MS * attempt, AGAIN_AT_MOST_MS));
    }
  }
  return false;
}
