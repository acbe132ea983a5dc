import {
  compareVersions,
  errorAnswer,
  type ErrorAnswer,
  type RegistryEntry,
  type Surface,
} from '@verifywise/contracts';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';
import { storedValues } from '../config/sealed-config.ts';
import type { Choice } from './choose-source.ts';
import { chooseUpdate } from './choose-update.ts';
import { assertCompatible } from './compatibility.ts';
import { configChanges, type ConfigChanges } from './config-changes.ts';
import { assertDependentsFit } from './dependencies.ts';
import { NothingToUpdateError, PluginNotInstalledError } from './errors.ts';
import { grantsOnUpdate } from './grants.ts';
import type { Installations, PackageIntake, Packages, PluginRegistry } from './hands.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import { planDependencies } from './package-steps.ts';
import type { ChildOperation } from './progress.ts';
import { surfaceChanges, unknownOf, type SurfaceChanges } from './surface-changes.ts';
import { assertNothingMissing } from './version-settings.ts';

/** What an update would do, before it is asked for. */
export interface UpdatePlan {
  id: string;
  installedVersion: string;
  version: string;
  direction: 'newer' | 'same' | 'older';
  compatible: boolean;
  /** Why it does not run here. */
  incompatibility: string | null;
  /** A newer version than the planned one, which does not run here. */
  heldBack: { version: string; reason: string } | null;
  /** Bytes of the two packages; of the new one only once it could be taken in. */
  size: { now: number; then: number | null };
  permissions: { added: Permission[]; removed: Permission[]; toAccept: Permission[] };
  surface: SurfaceChanges;
  /** What of that nobody can tell before the update. */
  unknown: string | null;
  config: ConfigChanges | null;
  dependencies: {
    added: Record<string, string>;
    removed: string[];
    changed: Record<string, { from: string; to: string }>;
    /** What `withDependencies: true` would do first, in order. */
    first: { do: ChildOperation['kind']; id: string; version?: string }[];
  };
  /** Newest first: what the versions between say of themselves. */
  changelog: { version: string; changes: string | null }[];
  /** Why the update would be refused as things stand, each with the code it would have. */
  refusals: ErrorAnswer[];
  warnings: string[];
}

export type PlanUpdate = (tenant: string, pluginId: string, version: string | undefined) => Promise<UpdatePlan>;

interface Needs {
  installations: Installations;
  packages: Packages;
  registry: PluginRegistry;
  intake: PackageIntake;
  surfaceOf: (tenant: string, pluginId: string) => Promise<Surface | null>;
  hostVersion: string;
}

/** What is known of the version that would be installed; its manifest and size only once its package is here. */
interface Planned {
  choice: Choice;
  manifest: PluginManifest | null;
  size: number | null;
  hasCode: boolean | null;
  warnings: string[];
}

/**
 * Compares what a tenant has with what an update would bring. The package is taken in as the update would take it in, so that the plan
 * tells of the manifest itself, and the update downloads nothing.
 */
export function createPlanUpdate(needs: Needs): PlanUpdate {
  return async (tenant, pluginId, version) => {
    const record = await needs.installations.find(tenant, pluginId);
    if (record === null || record.state === 'installing') throw new PluginNotInstalledError(pluginId);
    const input = version === undefined ? {} : { version };
    const choice = await chooseUpdate(needs, record, input);
    const refusals = new Refusals();
    const planned = await takeIn(needs, pluginId, choice, refusals);
    const { compatibility, dependencies } = planned.manifest ?? choice;
    const installed = await needs.installations.list(tenant);

    const newer = compareVersions(choice.version, record.version);
    if (newer <= 0) {
      const about = { version: choice.version, older: newer < 0, input, heldBack: choice.heldBack };
      refusals.add(new NothingToUpdateError(record, about));
    }
    const target = { id: pluginId, version: choice.version, compatibility };
    const incompatibility = refusals.of(() => assertCompatible(target, needs.hostVersion, false));
    refusals.of(() => assertDependentsFit(pluginId, choice.version, installed, false));
    const enabled = record.desired === 'enabled';
    const needing = { version: choice.version, dependencies };
    const before = await dependenciesBefore(needs, { tenant, pluginId }, needing, enabled, refusals);
    const declared = planned.manifest?.permissions ?? choice.permissions;
    const permissions = permissionChanges(record, declared);
    refusals.of(() => grantsOnUpdate(pluginId, grantsOf(record), declared, []));
    const granted = grantsOnUpdate(pluginId, grantsOf(record), declared, declared);
    const values = storedValues(await needs.installations.findConfig(tenant, pluginId));
    const { manifest } = planned;
    if (manifest !== null && enabled) refusals.of(() => assertNothingMissing(pluginId, manifest, values));
    const next = { granted, manifest, hasCode: planned.hasCode };
    const surface = surfaceChanges(await needs.surfaceOf(tenant, pluginId), next);
    return {
      id: pluginId,
      installedVersion: record.version,
      version: choice.version,
      direction: newer > 0 ? 'newer' : newer === 0 ? 'same' : 'older',
      compatible: incompatibility === null,
      incompatibility: incompatibility?.message ?? null,
      heldBack: choice.heldBack ?? null,
      size: { now: record.package.size, then: planned.size },
      permissions,
      surface,
      unknown: unknownOf(surface, choice.version),
      config: manifest === null ? null : configChanges(record.manifest.config, manifest.config, values),
      dependencies: {
        ...dependencyChanges(record.manifest.dependencies, dependencies),
        first: before.map(({ kind, pluginId: id, input: { version: of } }) => ({
          do: kind,
          id,
          ...(of === undefined ? {} : { version: of }),
        })),
      },
      changelog: changelogBetween(await versionsOf(needs, tenant, pluginId), record.version, choice.version),
      refusals: refusals.all,
      warnings: planned.warnings,
    };
  };
}

async function dependenciesBefore(
  needs: Needs,
  about: { tenant: string; pluginId: string },
  needing: { version: string; dependencies: Record<string, string> },
  enabled: boolean,
  refusals: Refusals,
): Promise<ChildOperation[]> {
  try {
    const { first, refusal } = await planDependencies(needs, about, needing, { enabled });
    if (refusal !== null) refusals.add(refusal);
    return first;
  } catch (error) {
    refusals.add(error);
    return [];
  }
}

/** What would be said no to, collected instead of thrown. */
class Refusals {
  readonly all: ErrorAnswer[] = [];

  add(error: unknown): ErrorAnswer {
    const answer = errorAnswer(error);
    this.all.push(answer);
    return answer;
  }

  /** The refusal of this check; null when it passes. */
  of(check: () => unknown): ErrorAnswer | null {
    try {
      check();
      return null;
    } catch (error) {
      return this.add(error);
    }
  }
}

async function takeIn(needs: Needs, pluginId: string, choice: Choice, refusals: Refusals): Promise<Planned> {
  try {
    const { chosen } = choice;
    // Somebody else may wait for the same download, so whoever asked going away does not end it; it has its own deadline.
    const stored =
      chosen.kind === 'stored'
        ? await needs.packages.find(chosen.digest)
        : await needs.intake.fetch({ pluginId, ...chosen }, new AbortController().signal);
    if (stored !== null) return { choice, ...stored };
  } catch (error) {
    refusals.add(error);
  }
  return { choice, manifest: null, size: null, hasCode: null, warnings: [] };
}

function grantsOf({ manifest, granted }: InstalledRecord) {
  return { declared: manifest.permissions, granted };
}

function permissionChanges(record: InstalledRecord, declared: Permission[]): UpdatePlan['permissions'] {
  const before = record.manifest.permissions;
  const added = declared.filter((permission) => !before.includes(permission));
  return {
    added,
    removed: before.filter((permission) => !declared.includes(permission)),
    toAccept: added.filter((permission) => !record.granted.includes(permission)),
  };
}

function dependencyChanges(now: Record<string, string>, then: Record<string, string>) {
  const added = Object.entries(then).filter(([id]) => !Object.hasOwn(now, id));
  const changed = Object.entries(then).flatMap(([id, to]) => {
    const from = now[id];
    return from === undefined || from === to ? [] : [[id, { from, to }] as const];
  });
  return {
    added: Object.fromEntries(added),
    removed: Object.keys(now).filter((id) => !Object.hasOwn(then, id)),
    changed: Object.fromEntries(changed),
  };
}

async function versionsOf({ registry }: Needs, tenant: string, pluginId: string): Promise<RegistryEntry[]> {
  // A plugin that ships with the platform has a plan while the registries are away; only nobody says what has changed.
  return await registry.versions(tenant, pluginId).catch(() => []);
}

function changelogBetween(versions: RegistryEntry[], one: string, other: string): UpdatePlan['changelog'] {
  const [low, high] = compareVersions(one, other) <= 0 ? [one, other] : [other, one];
  return versions
    .filter(({ version }) => compareVersions(version, low) > 0 && compareVersions(version, high) <= 0)
    .map(({ version, changelog = null }) => ({ version, changes: changelog }));
}
