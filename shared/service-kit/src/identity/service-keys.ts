import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export interface TrustedKey {
  service: string;
  key: KeyObject;
}

/** The Ed25519 private key in PKCS8 DER, base64. Throws when it is something else, without showing it. */
export function signingKeyOf(base64: string): KeyObject {
  const key = privateKeyIn(base64);
  if (key === undefined) throw new Error('The signing key is not an Ed25519 private key (PKCS8 DER in base64)');
  return key;
}

export function isEd25519Private(base64: string): boolean {
  return privateKeyIn(base64) !== undefined;
}

function privateKeyIn(base64: string): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    // Why it is no key is said by the caller, who knows where it came from.
    return undefined;
  }
}

/** `service:base64` of an Ed25519 public key in SPKI DER; undefined when it is something else. */
export function parseTrustedKey(entry: string): TrustedKey | undefined {
  const [, service, base64] = /^([a-z][a-z0-9-]*):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
  if (service === undefined || base64 === undefined) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? { service, key } : undefined;
  } catch {
    return undefined;
  }
}
