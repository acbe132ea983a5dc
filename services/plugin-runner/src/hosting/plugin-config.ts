import type { Installation } from '@verifywise/contracts';
import { effectiveConfig, joinConfig } from '@verifywise/contracts';
import type { SecretBox } from '@verifywise/service-kit';

/** The settings as the plugin reads them: stored value, else the manifest's default; secrets opened only here, for this plugin. */
export function readableConfig(secrets: Pick<SecretBox, 'open'>, installation: Installation): Record<string, unknown> {
  const { tenant, pluginId, manifest, config } = installation;
  const opened = Object.entries(config.secrets).map(([field, sealed]): [string, unknown] => [
    field,
    secrets.open(sealed, { tenant, pluginId, field }),
  ]);
  return effectiveConfig(manifest.config, joinConfig(config.values, opened));
}
