/**
 * Makes the keys and passwords of docker-compose.yml: `node infra/docker/keys.ts [file]`, by default .local/docker.env.
 * What the file already holds is kept, because the data in the volumes was made with it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SERVICES = ['registry-cache', 'installer', 'plugin-runner', 'scheduler', 'webhook-gateway'];
const DEFAULT_FILE = fileURLToPath(new URL('../../.local/docker.env', import.meta.url));

const file = resolve(process.argv[2] ?? DEFAULT_FILE);
const known = existsSync(file) ? readVariables(readFileSync(file, 'utf8')) : new Map<string, string>();
const made = withMissingOnes(known);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, [...made].map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 });
process.stdout.write(`${file} holds ${made.size} keys and passwords, ${made.size - known.size} of them new\n`);

function readVariables(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}

function withMissingOnes(variables: Map<string, string>): Map<string, string> {
  const complete = new Map(variables);
  for (const service of SERVICES) {
    // A private key without its public one in the list would be trusted by nobody, so both are made together.
    if (complete.has(signingKeyOf(service))) continue;
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    complete.set(signingKeyOf(service), privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'));
    const trusted = `${service}:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`;
    const others = complete.get('SERVICE_TRUSTED_KEYS')?.split(',') ?? [];
    complete.set('SERVICE_TRUSTED_KEYS', [...others, trusted].join(','));
  }
  if (!complete.has('PLUGIN_SECRETS_KEY')) {
    complete.set('PLUGIN_SECRETS_KEY', `k1:${randomBytes(32).toString('base64')}`);
  }
  for (const name of ['RABBITMQ_PASSWORD', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD']) {
    // They stand in URLs, so they are made of letters that need no escape there.
    if (!complete.has(name)) complete.set(name, randomBytes(24).toString('base64url'));
  }
  return complete;
}

function signingKeyOf(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_SIGNING_KEY`;
}
