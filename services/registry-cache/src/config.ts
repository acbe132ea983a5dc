import {
  commonSettings,
  identitySettings,
  integer,
  json,
  readSettings,
  secretKeys,
  text,
  url,
  type Environment,
  type SecretKey,
  type Setting,
} from '@verifywise/service-kit';
import { registrySchema } from './http/registry-descriptions.ts';
import type { RegistryRequest } from './registries/new-registry.ts';

export type RegistryCacheConfig = ReturnType<typeof readConfig>;

/** The official registry (S:8.1). */
const OFFICIAL: RegistryRequest = {
  name: 'official',
  url: 'https://raw.githubusercontent.com/bluewave-labs/verifywise-apps/main/registry.json',
  verified: true,
};

/** S:18.1 */
const TTL_MS = 15 * 60_000;

const MEGABYTE = 1024 * 1024;

/** Only needed where a registry has a token. */
const optionalSecretKeys: Setting<SecretKey[]> = {
  read: (env) =>
    (env['PLUGIN_SECRETS_KEY'] ?? '') === '' ? { ok: true, value: [] } : secretKeys('PLUGIN_SECRETS_KEY').read(env),
};

/** The only place that reads the environment of registry-cache. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    port: integer('PORT', 4001, { min: 0, max: 65_535 }),
    redisUrl: url('REDIS_URL', undefined, { schemes: ['redis', 'rediss'], example: 'redis://127.0.0.1:6379' }),
    hostVersion: text('HOST_VERSION', '1.7.0'),
    registries: json<RegistryRequest[]>('REGISTRIES', { type: 'array', maxItems: 50, items: registrySchema }, [
      OFFICIAL,
    ]),
    registryTtlMs: integer('REGISTRY_TTL_MS', TTL_MS, { min: 1_000, max: 24 * 3_600_000 }),
    registryDeadlineMs: integer('REGISTRY_DEADLINE_MS', 15_000, { min: 100, max: 120_000 }),
    registryLimitBytes: integer('REGISTRY_LIMIT_BYTES', 20 * MEGABYTE, { min: 1_024, max: 200 * MEGABYTE }),
    registryLeftAloneMs: integer('REGISTRY_LEFT_ALONE_MS', 30_000, { min: 100, max: 3_600_000 }),
    secretKeys: optionalSecretKeys,
  });
}
