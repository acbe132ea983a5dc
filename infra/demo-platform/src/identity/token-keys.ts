import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CryptoKey, JWK } from 'jose';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';

/** The key pair that signs this platform's tokens; services know its public half by the JWKS. */
export interface TokenKeys {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** The public half, as the JWKS shows it. */
  publicJwk: JWK;
}

export const TOKEN_ALGORITHM = 'ES256';

/** Reads the key pair from the file; makes both when there is no file yet, so that tokens outlive a restart. */
export async function tokenKeysIn(file: string): Promise<TokenKeys> {
  return readKeys((await storedKey(file)) ?? (await createKey(file)));
}

async function storedKey(file: string): Promise<JWK | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as JWK;
  } catch (cause) {
    throw new Error(`KEYS_FILE ${file} is not a private key in JWK form; delete it to have a new one made`, { cause });
  }
}

async function createKey(file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(TOKEN_ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(file, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' });
    return jwk;
  } catch (error) {
    // Another process made it in the meantime, and two keys would refuse each other's tokens.
    const made = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await storedKey(file) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

async function readKeys(jwk: JWK): Promise<TokenKeys> {
  const { d: _private, ...publicJwk } = jwk;
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    kid,
    privateKey: await asymmetric(jwk),
    publicKey: await asymmetric(publicJwk),
    publicJwk: { ...publicJwk, kid, alg: TOKEN_ALGORITHM, use: 'sig' },
  };
}

async function asymmetric(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, TOKEN_ALGORITHM);
  if (key instanceof Uint8Array) throw new TypeError('The key in KEYS_FILE is a shared secret, not a key pair');
  return key;
}
