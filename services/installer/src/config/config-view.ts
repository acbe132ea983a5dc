import { configDefaults, missingConfig } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import { PluginNotInstalledError } from '../installation/errors.ts';
import type { Installations } from '../installation/hands.ts';
import { isSecret } from './secret-fields.ts';

/** The settings of a plugin as an admin may see them: never a secret, only which ones are set. */
export interface ConfigView {
  schema: Record<string, ConfigField>;
  config: Record<string, unknown>;
  secretsSet: string[];
  missingConfig: string[];
}

export type ViewConfig = (tenant: string, pluginId: string) => Promise<ConfigView>;

export function createViewConfig(installations: Installations): ViewConfig {
  return async (tenant, pluginId) => {
    const record = await installations.find(tenant, pluginId);
    if (record === null) throw new PluginNotInstalledError(pluginId);
    const stored = await installations.findConfig(tenant, pluginId);
    const schema = record.manifest.config;
    const open = (values: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(values).filter(([key]) => Object.hasOwn(schema, key) && !isSecret(schema[key])),
      );
    return {
      schema,
      config: open({ ...configDefaults(schema), ...stored?.values }),
      secretsSet: Object.keys(stored?.secrets ?? {}).filter((key) => isSecret(schema[key])),
      missingConfig: missingConfig(schema, { ...stored?.values, ...stored?.secrets }),
    };
  };
}
