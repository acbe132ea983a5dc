import { inspect } from 'node:util';
import { PlatformError } from '@verifywise/contracts';
import type { Capabilities } from '../hosting/isolate-process.ts';

export interface MetadataRecord {
  entityType: string;
  entityId: number;
  key: string;
  value: unknown;
  updatedAt: Date;
}

/** Where plugins' metadata is kept. Values arrive and are compared as JSON text. */
export interface MetadataRecords {
  get(tenant: string, pluginId: string, type: string, id: number, key: string): Promise<unknown>;
  set(tenant: string, pluginId: string, type: string, id: number, values: [key: string, json: string][]): Promise<void>;
  delete(tenant: string, pluginId: string, type: string, id: number, key?: string): Promise<number>;
  ofEntity(tenant: string, pluginId: string, type: string, id: number): Promise<MetadataRecord[]>;
  byKey(tenant: string, pluginId: string, type: string, key: string, json: string): Promise<MetadataRecord[]>;
  byKeyPrefix(tenant: string, pluginId: string, type: string, prefix: string): Promise<MetadataRecord[]>;
  ofPlugin(tenant: string, pluginId: string): Promise<MetadataRecord[]>;
  deleteOfPlugin(tenant: string, pluginId: string): Promise<number>;
}

/** The largest value (contract §1). */
const LARGEST_VALUE_BYTES = 256 * 1024;
const ENTITY_TYPE = /^[A-Za-z][A-Za-z0-9_]{0,48}$/;
const KEY = /^[A-Za-z][A-Za-z0-9_:./-]{0,253}$/;

/** `context.metadata` for one plugin of one tenant; needs no permission. */
export function metadataCapabilities(tenant: string, pluginId: string, records: MetadataRecords) {
  return {
    'metadata.get': async (type, id, key) =>
      records.get(tenant, pluginId, entityType(type), entityId(id), keyName(key)),
    'metadata.set': async (type, id, values) => {
      const entries = Object.entries(values).map(([key, value]): [string, string] => [keyName(key), json(key, value)]);
      if (entries.length > 0) await records.set(tenant, pluginId, entityType(type), entityId(id), entries);
      return null;
    },
    'metadata.delete': async (type, id, key) =>
      (await records.delete(tenant, pluginId, entityType(type), entityId(id), keyName(key))) > 0,
    'metadata.getAll': async (type, id) => {
      const found = await records.ofEntity(tenant, pluginId, entityType(type), entityId(id));
      return Object.fromEntries(found.map(({ key, value }) => [key, value]));
    },
    'metadata.deleteAll': async (type, id) => records.delete(tenant, pluginId, entityType(type), entityId(id)),
    'metadata.findByKey': async (type, key, value) =>
      records.byKey(tenant, pluginId, entityType(type), keyName(key), json(key, value)),
    'metadata.findByKeyPrefix': async (type, prefix) =>
      records.byKeyPrefix(tenant, pluginId, entityType(type), prefix === '' ? '' : keyName(prefix)),
    'metadata.getAllByPlugin': async () => records.ofPlugin(tenant, pluginId),
    'metadata.deleteByPlugin': async () => records.deleteOfPlugin(tenant, pluginId),
  } satisfies Partial<Capabilities>;
}

function entityType(type: unknown): string {
  if (typeof type === 'string' && ENTITY_TYPE.test(type)) return type;
  throw invalid(`The entity type ${shown(type)} is not a word of letters, digits and _ (at most 49), like "risk"`);
}

function entityId(id: unknown): number {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw invalid(`The entity id ${shown(id)} is not an integer of at least 0`);
}

function keyName(key: unknown): string {
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw invalid(
    `The metadata key ${shown(key)} is not made of letters, digits and _:./- (at most 254), beginning with a letter`,
  );
}

function json(key: string, value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw invalid(`The value of ${shown(key)} is no JSON`);
  const bytes = Buffer.byteLength(text);
  if (bytes > LARGEST_VALUE_BYTES) {
    throw new PlatformError(
      'METADATA_TOO_LARGE',
      `The value of ${shown(key)} has ${bytes} bytes; at most ${LARGEST_VALUE_BYTES} are kept, so store it in parts`,
    );
  }
  // PostgreSQL's jsonb cannot hold this one character.
  if (text.includes('\\u0000'))
    throw invalid(`The value of ${shown(key)} contains the character NUL, which cannot be stored`);
  return text;
}

function invalid(message: string): PlatformError {
  return new PlatformError('METADATA_INVALID', message);
}

function shown(value: unknown): string {
  // Cut before it is looked at: a plugin may name things as long as it likes.
  return inspect(typeof value === 'string' ? value.slice(0, 80) : value, { depth: 0 }).slice(0, 80);
}
