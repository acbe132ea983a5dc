import { WEBHOOK_BODY_LIMIT_BYTES } from '@verifywise/plugin-types';
import {
  commonSettings,
  identitySettings,
  integer,
  optionalText,
  readSettings,
  secretKeys,
  serviceKeySettings,
  url,
  type Environment,
} from '@verifywise/service-kit';

const MEGABYTE = 1024 * 1024;
const DEFAULT_RATE_LIMIT = 100;
const DEFAULT_SWEEP_MS = 5_000;

export type WebhookGatewayConfig = ReturnType<typeof readConfig>;

/** The only place that reads the gateway's environment. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    ...serviceKeySettings,
    port: integer('PORT', 4005, { min: 0, max: 65_535 }),
    redisUrl: url('REDIS_URL', undefined, { schemes: ['redis', 'rediss'], example: 'redis://127.0.0.1:6379' }),
    publicUrl: url('PUBLIC_URL', 'http://127.0.0.1:4005', { example: 'https://hooks.example.com' }),
    hostSuffix: optionalText('WEBHOOK_HOST_SUFFIX'),
    requestsPerMinute: integer('WEBHOOK_RATE_LIMIT', DEFAULT_RATE_LIMIT, { min: 1, max: 1_000_000 }),
    bodyLimit: integer('WEBHOOK_BODY_LIMIT', MEGABYTE, { min: 1, max: WEBHOOK_BODY_LIMIT_BYTES }),
    secretsKeys: secretKeys('PLUGIN_SECRETS_KEY'),
    sweepMs: integer('SWEEP_MS', DEFAULT_SWEEP_MS, { min: 100, max: 60_000 }),
  });
}
