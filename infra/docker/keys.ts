/**
 * Makes the keys and passwords of docker-compose.yml: `npm run keys`, or with Node 24 `node infra/docker/keys.ts`, which needs no
 * packages. `[file]` is .local/docker.env unless it is given.
 * A file that is there is kept, because the data in the volumes was made with it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeKeys } from '../local/src/platform-keys.ts';

const DEFAULT_FILE = fileURLToPath(new URL('../../.local/docker.env', import.meta.url));
const PASSWORD_BYTES = 24;

const file = resolve(process.argv[2] ?? DEFAULT_FILE);
if (existsSync(file)) {
  process.stdout.write(`${file} is kept\n`);
} else {
  const lines = Object.entries(makeVariables()).map(([name, value]) => `${name}=${value}\n`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  process.stdout.write(`${file} holds new keys and passwords\n`);
}

function makeVariables(): Record<string, string> {
  const { signingKeys, trustedKeys, pluginSecretsKey } = makeKeys();
  const signing = Object.entries(signingKeys).map(([service, key]) => [
    `${service.toUpperCase().replaceAll('-', '_')}_SIGNING_KEY`,
    key,
  ]);
  return {
    ...(Object.fromEntries(signing) as Record<string, string>),
    SERVICE_TRUSTED_KEYS: trustedKeys,
    PLUGIN_SECRETS_KEY: pluginSecretsKey,
    RABBITMQ_PASSWORD: makePassword(),
    POSTGRES_PASSWORD: makePassword(),
    REDIS_PASSWORD: makePassword(),
  };
}

/** Passwords stand in URLs, so they are made of letters that need no escape there. */
function makePassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}
