import { isEd25519Private, parseTrustedKey } from '../identity/service-keys.ts';
import type { SecretKey } from '../secrets/secret-box.ts';
import { readAs, textIn, wrong, type Setting } from './read-settings.ts';

/** AES-256 wants exactly this many bytes. */
const SECRET_KEY_BYTES = 32;
const SECRET_KEY_EXAMPLE = 'k1:<32 random bytes in base64>';

/** `kid:base64` list of 32-byte keys, the first is the one to seal with. Its problems show kids, never keys. */
export function secretKeys(name: string): Setting<SecretKey[]> {
  return {
    read(env) {
      const raw = textIn(env, name);
      if (raw === undefined) return wrong(name, 'is missing', SECRET_KEY_EXAMPLE);
      const keys: SecretKey[] = [];
      for (const [index, part] of raw.split(',').entries()) {
        const [, kid, base64] = /^\s*([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(part) ?? [];
        if (kid === undefined || base64 === undefined)
          return wrong(name, `has an entry (number ${index + 1}) that is not kid:base64`, SECRET_KEY_EXAMPLE);
        const key = Buffer.from(base64, 'base64');
        if (key.length !== SECRET_KEY_BYTES)
          return wrong(name, `has key ${kid} with ${key.length} bytes instead of 32`, SECRET_KEY_EXAMPLE);
        if (keys.some((other) => other.kid === kid)) return wrong(name, `has key ${kid} twice`, SECRET_KEY_EXAMPLE);
        keys.push({ kid, key });
      }
      return readAs(keys);
    },
  };
}

const SIGNING_KEY_EXAMPLE = '<an Ed25519 private key, PKCS8 DER in base64>';

/** The Ed25519 private key a service signs its tokens with, PKCS8 DER in base64. */
export function signingKey(name: string): Setting<string> {
  return {
    read(env) {
      const raw = textIn(env, name);
      if (raw === undefined) return wrong(name, 'is missing', SIGNING_KEY_EXAMPLE);
      return isEd25519Private(raw) ? readAs(raw) : wrong(name, 'is not an Ed25519 private key', SIGNING_KEY_EXAMPLE);
    },
  };
}

const TRUSTED_KEY_EXAMPLE = 'installer:<an Ed25519 public key, SPKI DER in base64>';

/** `service:base64` list of the Ed25519 public keys (SPKI DER) whose tokens are believed. */
export function trustedKeys(name: string): Setting<string[]> {
  return {
    read(env) {
      const entries = (textIn(env, name) ?? '').split(',').map((entry) => entry.trim());
      const listed = entries.filter((entry) => entry !== '');
      const bad = listed.findIndex((entry) => parseTrustedKey(entry) === undefined);
      return bad === -1
        ? readAs(listed)
        : wrong(name, `has an entry (number ${bad + 1}) that is not service:key`, TRUSTED_KEY_EXAMPLE);
    },
  };
}
