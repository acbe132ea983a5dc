import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commonSettings, integer, optionalUrl, readSettings, text, type Environment } from '@verifywise/service-kit';

export type RegistryConfig = ReturnType<typeof readConfig>;

/** The only place that reads the registry's environment. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    host: commonSettings.host,
    port: integer('PORT', 4010, { min: 0, max: 65_535 }),
    /** Searched for plugins, two levels deep. */
    pluginsFolder: text('PLUGINS_FOLDER', 'plugins'),
    outputFolder: text('OUTPUT_FOLDER', join(tmpdir(), 'verifywise-registry')),
    /** How installers reach this registry; where it listens when not set. */
    publicUrl: optionalUrl('PUBLIC_URL'),
  });
}
