import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';

/** One key of PLUGIN_SECRETS_KEY. */
export interface SecretKey {
  kid: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Where a secret belongs; opened with anything else, it stays shut. */
export interface SecretPlace {
  tenant: string;
  pluginId: string;
  field: string;
}

/** Seals the secrets of plugins' configuration. What is sealed can be stored anywhere. */
export interface SecretBox {
  /** The names of the keys, the one that seals first. */
  readonly kids: readonly string[];
  /** Seals with the first key. The same value sealed twice looks different. */
  seal(value: string, place: SecretPlace): string;
  /** Throws SecretUnreadableError when it was changed, belongs elsewhere, or its key is gone. */
  open(sealed: string, place: SecretPlace): string;
  /** True when it is sealed with a key that is no longer the first. */
  needsRewrap(sealed: string): boolean;
  /** The same secret sealed with the first key; what needs no rewrap comes back as it is, so that a rotation can be resumed. */
  rewrap(sealed: string, place: SecretPlace): string;
}

/** A sealed secret that cannot be opened. Never says anything of the value. */
export class SecretUnreadableError extends PlatformError {
  constructor({ pluginId, field }: SecretPlace, why: string, cause?: unknown) {
    super('INTERNAL', `The secret ${field} of ${pluginId} cannot be opened: ${why}`, { cause });
  }
}

const VERSION = 'v1';
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Data keys are kept for as many plugins as one process is likely to seal for. */
const KEPT_DATA_KEYS = 1_000;

interface DataKey {
  key: Buffer;
  wrapped: Buffer;
}

/**
 * AES-256-GCM with a random IV. Values are sealed with a data key of their tenant and plugin, which travels with them, wrapped by
 * the first of `keys`; the others only open. Tenant, plugin, field and kid are associated data.
 */
export function secretBox(keys: readonly SecretKey[]): SecretBox {
  const primary = keys[0];
  if (primary === undefined) throw new Error('Sealing secrets needs at least one key');
  const known = new Map(keys.map((key) => [key.kid, key]));
  const dataKeys = new Map<string, DataKey>();

  const dataKeyFor = (place: SecretPlace): DataKey => {
    const name = JSON.stringify([place.tenant, place.pluginId]);
    const kept = dataKeys.get(name);
    if (kept !== undefined) return kept;
    const key = randomBytes(KEY_BYTES);
    const made = { key, wrapped: encrypt(primary.key, key, wrapData(primary.kid, place)) };
    if (dataKeys.size >= KEPT_DATA_KEYS) dataKeys.clear();
    dataKeys.set(name, made);
    return made;
  };

  const seal = (value: string, place: SecretPlace): string => {
    const { key, wrapped } = dataKeyFor(place);
    const body = encrypt(key, Buffer.from(value, 'utf8'), valueData(primary.kid, place));
    return [VERSION, primary.kid, wrapped.toString('base64url'), body.toString('base64url')].join(':');
  };

  const open = (sealed: string, place: SecretPlace): string => {
    const [version, kid, wrapped, body, ...rest] = sealed.split(':');
    if (version !== VERSION || kid === undefined || wrapped === undefined || body === undefined || rest.length > 0)
      throw new SecretUnreadableError(place, 'it is not in the form of a sealed secret');
    const wrapping = known.get(kid);
    if (wrapping === undefined) throw new SecretUnreadableError(place, `its key ${kid} is not in PLUGIN_SECRETS_KEY`);
    try {
      const key = decrypt(wrapping.key, Buffer.from(wrapped, 'base64url'), wrapData(kid, place));
      return decrypt(key, Buffer.from(body, 'base64url'), valueData(kid, place)).toString('utf8');
    } catch (error) {
      throw new SecretUnreadableError(place, 'it was changed, or belongs to another tenant, plugin or field', error);
    }
  };

  const needsRewrap = (sealed: string): boolean => sealed.split(':')[1] !== primary.kid;
  return {
    kids: [...known.keys()],
    seal,
    open,
    needsRewrap,
    rewrap: (sealed, place) => (needsRewrap(sealed) ? seal(open(sealed, place), place) : sealed),
  };
}

function wrapData(kid: string, { tenant, pluginId }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(['data-key', kid, tenant, pluginId]), 'utf8');
}

function valueData(kid: string, { tenant, pluginId, field }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(['value', kid, tenant, pluginId, field]), 'utf8');
}

/** IV, ciphertext and tag in one. */
function encrypt(key: Buffer, plain: Buffer, associated: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(associated);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, bytes: Buffer, associated: Buffer): Buffer {
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new Error('too short');
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated).setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
}
