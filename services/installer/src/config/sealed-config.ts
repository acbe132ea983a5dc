import { isSecretField, joinConfig, splitConfig, type ConfigFields, type SecretPlace } from '@verifywise/contracts';
import type { ConfigField } from '@verifywise/plugin-types';
import type { ConfigRecord } from '../installation/installed-plugin.ts';

/** Seals and opens the secrets of one plugin of one tenant. */
export interface Secrets {
  seal(value: string, place: { tenant: string; pluginId: string; field: string }): string;
  open(sealed: string, place: { tenant: string; pluginId: string; field: string }): string;
}

/** A stored secret among the values of a plugin; only who needs its text opens it, and nothing of it is written by accident. */
export class StoredSecret {
  readonly #place: SecretPlace;
  readonly #sealed: string;

  constructor(place: SecretPlace, sealed: string) {
    this.#place = place;
    this.#sealed = sealed;
  }

  get place(): SecretPlace {
    return this.#place;
  }

  get sealed(): string {
    return this.#sealed;
  }
}

export function isStoredSecret(value: unknown): value is StoredSecret {
  return value instanceof StoredSecret;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isStoredSecret(value);
}

/** Whether the field is a secret or has one in it. */
export function holdsSecret(field: ConfigField | undefined): boolean {
  if (field?.type === 'array') return holdsSecret(field.items);
  if (field?.type === 'object') return Object.values(field.properties ?? {}).some(holdsSecret);
  return isSecretField(field);
}

/** The values as a whole, each secret at its place; nothing when nothing was ever set. */
export function storedValues(config: Pick<ConfigRecord, 'values' | 'secrets'> | null): Record<string, unknown> {
  if (config === null) return {};
  const { values, secrets } = config;
  const stored = Object.entries(secrets).map(([place, sealed]) => [place, new StoredSecret(place, sealed)] as const);
  return joinConfig(values, stored);
}

/** Values as they are stored: secrets that stay keep what sealed them, others are sealed. */
export function sealedConfig(
  secrets: Secrets,
  fields: ConfigFields,
  { tenant, pluginId, retainedSince }: ConfigRecord,
  values: Record<string, unknown>,
): ConfigRecord {
  const split = splitConfig(fields, values, isStoredSecret);
  const sealed = [...split.secrets].map(([field, secret]): [string, string] => {
    if (isStoredSecret(secret) && secret.place === field) return [field, secret.sealed];
    return [field, secrets.seal(textOf(secrets, { tenant, pluginId }, secret), { tenant, pluginId, field })];
  });
  return { tenant, pluginId, values: split.values, secrets: Object.fromEntries(sealed), retainedSince };
}

/** Throws when the secret cannot be opened: its key is gone. */
export function textOf(secrets: Secrets, whose: { tenant: string; pluginId: string }, secret: unknown): string {
  if (isStoredSecret(secret)) return secrets.open(secret.sealed, { ...whose, field: secret.place });
  return String(secret);
}
