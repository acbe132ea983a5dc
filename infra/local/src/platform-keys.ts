import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** The services that sign tokens for each other. */
const SIGNERS = ['registry-cache', 'installer', 'plugin-runner', 'scheduler', 'webhook-gateway'] as const;
const SECRET_KEY_BYTES = 32;

export type Signer = (typeof SIGNERS)[number];

/** What the services of one platform must agree on, and what opens the secrets in its database. */
export interface PlatformKeys {
  signingKeys: Record<Signer, string>;
  trustedKeys: string;
  pluginSecretsKey: string;
}

/** The keys kept in this file, or new ones: data that was sealed with the old keys needs the old keys. */
export function keepKeys(file: string): PlatformKeys {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as PlatformKeys;
  const keys = makeKeys();
  writeFileSync(file, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 });
  return keys;
}

export function makeKeys(): PlatformKeys {
  const pairs = SIGNERS.map((service) => ({ service, ...generateKeyPairSync('ed25519') }));
  const der = (service: Signer, bytes: Buffer): [Signer, string] => [service, bytes.toString('base64')];
  const signing = pairs.map(({ service, privateKey }) =>
    der(service, privateKey.export({ format: 'der', type: 'pkcs8' })),
  );
  const trusted = pairs.map(({ service, publicKey }) =>
    der(service, publicKey.export({ format: 'der', type: 'spki' })).join(':'),
  );
  return {
    signingKeys: Object.fromEntries(signing) as Record<Signer, string>,
    trustedKeys: trusted.join(','),
    pluginSecretsKey: `k1:${randomBytes(SECRET_KEY_BYTES).toString('base64')}`,
  };
}
