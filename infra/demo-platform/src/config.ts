import { commonSettings, integer, readSettings, text, url } from '@verifywise/service-kit';

export type DemoPlatformConfig = ReturnType<typeof readConfig>;

const PORT = 4000;

/** The only place that reads the environment. */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readSettings(env, {
    ...commonSettings,
    port: integer('PORT', PORT, { min: 0, max: 65_535 }),
    registryCacheUrl: url('REGISTRY_CACHE_URL', 'http://127.0.0.1:4001'),
    installerUrl: url('INSTALLER_URL', 'http://127.0.0.1:4002'),
    runnerUrl: url('RUNNER_URL', 'http://127.0.0.1:4003'),
    schedulerUrl: url('SCHEDULER_URL', 'http://127.0.0.1:4004'),
    webhookGatewayUrl: url('WEBHOOK_GATEWAY_URL', 'http://127.0.0.1:4005'),
    middlewareDeadlineMs: integer('MIDDLEWARE_DEADLINE_MS', 200, { min: 1, max: 30_000 }),
    filterDeadlineMs: integer('FILTER_DEADLINE_MS', 1_000, { min: 1, max: 30_000 }),
    keysFile: text('KEYS_FILE', '.local/demo-platform/token-key.json'),
    issuer: text('ISSUER', 'verifywise-demo-platform'),
  });
}
