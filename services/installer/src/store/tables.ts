import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import type { ConfigRecord, InstalledRecord } from '../installation/installed-plugin.ts';
import type { StoredPackage } from '../installation/hands.ts';

/** PostgreSQL's bigint comes as text; generations stay far below what a number holds exactly. */
const bigint: EntitySchemaColumnOptions = {
  type: 'bigint',
  transformer: { from: (value: string) => Number(value), to: (value: number) => value },
};
const json: EntitySchemaColumnOptions = { type: 'jsonb' };
/** Keeps keys in their order, which in a manifest is the author's: settings are shown in it. */
const orderedJson: EntitySchemaColumnOptions = { type: 'json' };
const text: EntitySchemaColumnOptions = { type: 'text' };
const time: EntitySchemaColumnOptions = { type: 'timestamptz' };

/** The partition stands in the row, so that a runner's question is one range of an index. */
export type InstallationRow = InstalledRecord & { partition: number };

export const InstallationTable = new EntitySchema<InstallationRow>({
  name: 'Installation',
  tableName: 'installations',
  columns: {
    tenant: { ...text, primary: true },
    pluginId: { ...text, primary: true, name: 'plugin_id' },
    partition: { type: 'integer' },
    version: text,
    package: json,
    manifest: orderedJson,
    granted: json,
    state: text,
    desired: text,
    generation: bigint,
    source: text,
    registry: { ...text, nullable: true },
    verified: { type: 'boolean' },
    previous: { ...orderedJson, nullable: true },
    lastError: { ...json, nullable: true, name: 'last_error' },
    target: { ...orderedJson, nullable: true },
    runningSince: { ...bigint, name: 'running_since' },
    installedAt: { ...time, name: 'installed_at' },
    updatedAt: { ...time, name: 'updated_at' },
  },
});

export const ConfigTable = new EntitySchema<ConfigRecord>({
  name: 'Config',
  tableName: 'configs',
  columns: {
    tenant: { ...text, primary: true },
    pluginId: { ...text, primary: true, name: 'plugin_id' },
    values: json,
    secrets: json,
    retainedSince: { ...time, nullable: true, name: 'retained_since' },
  },
});

export type PackageRow = StoredPackage & { builtin: boolean };

export const PackageTable = new EntitySchema<PackageRow>({
  name: 'Package',
  tableName: 'packages',
  columns: {
    digest: { ...text, primary: true },
    size: { type: 'integer' },
    manifest: orderedJson,
    hasCode: { type: 'boolean', nullable: true, name: 'has_code' },
    warnings: json,
    sourceChecksum: { ...text, name: 'source_checksum' },
    builtin: { type: 'boolean' },
  },
});
