import { PlatformError, resolveDependencies, type ErrorAnswer } from '@verifywise/contracts';
import type { Operation, Step, StepDone, StepRun } from '../operations/operation.ts';
import { candidatesFor } from './candidates.ts';
import { missingDependencies, unreadyDependencies, withNeeds, type Requirement } from './dependencies.ts';
import { DependenciesMissingError } from './errors.ts';
import type { StoredPackage } from './hands.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import type { ChildOperation, Progress } from './progress.ts';
import type { SagaNeeds } from './saga-needs.ts';

type Applies = (operation: Operation) => boolean;

/** Installs what this plugin needs first, in order; undone, what was brought along goes again. */
export function dependenciesStep(needs: SagaNeeds, name: string): Step {
  return { ...childrenStep(needs, name), undo: (run) => removeDependencies(needs, run) };
}

async function removeDependencies(needs: SagaNeeds, { operation, signal }: StepRun): Promise<StepDone> {
  const kept: string[] = [];
  for (const child of (operation.progress.children ?? []).toReversed()) {
    const takenBack = takingBack(await needs.findChild(operation, child.pluginId, child.kind));
    if (takenBack === undefined || !(await isInstalled(needs, operation.tenant, child.pluginId))) continue;
    try {
      await needs.runChild(operation, takenBack, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      // Somebody else needs it by now, or is at it; by itself it harms nobody.
      kept.push(child.pluginId);
    }
  }
  return kept.length === 0 ? {} : { outcome: { kept } };
}

/** What undoes an operation on another plugin; nothing when it did nothing. */
function takingBack(child: Operation | null): ChildOperation | undefined {
  if (child?.status !== 'succeeded' || child.progress.nothingToDo === true) return undefined;
  const { kind, pluginId, progress } = child;
  if (kind === 'enable') return { pluginId, kind: 'disable', input: {} };
  return { pluginId, kind: 'uninstall', input: { deleteData: progress.hadRemains !== true, force: true } };
}

/** Runs the operations on other plugins that this one needs first, in order. */
export function childrenStep(needs: SagaNeeds, name: string, of: 'children' | 'enableFirst' = 'children'): Step {
  return {
    name,
    applies: ({ progress }) => (progress[of] ?? []).length > 0,
    async run({ operation, signal }) {
      for (const child of operation.progress[of] ?? []) {
        // Two that need the same third: the first of them has brought it.
        if (child.kind === 'install' && (await isInstalled(needs, operation.tenant, child.pluginId))) continue;
        await needs.runChild(operation, child, signal);
      }
      return {};
    },
  };
}

async function isInstalled({ installations }: SagaNeeds, tenant: string, pluginId: string): Promise<boolean> {
  const record = await installations.find(tenant, pluginId);
  return record !== null && record.state !== 'installing';
}

/** Brings the bytes here: downloaded, verified, checked and stored, or found where they are. */
export function packageStep(needs: SagaNeeds, applies: Applies): Step {
  return {
    name: 'package',
    applies,
    async run({ operation, signal }) {
      const stored = await packageOf(needs, operation, signal);
      const { digest, size, manifest, warnings, sourceChecksum: checksum, took } = stored;
      if (manifest.id !== operation.pluginId) {
        throw new PlatformError(
          'MANIFEST_MISMATCH',
          `The package is of plugin ${manifest.id}, but ${operation.pluginId} was asked for`,
        );
      }
      const progress = { package: { digest, size }, checksum, manifest, warnings, ...originOf(operation.progress) };
      return { progress, outcome: { digest, checksum, size, version: manifest.version, warnings, took } };
    },
  };
}

async function packageOf(needs: SagaNeeds, operation: Operation, signal: AbortSignal): Promise<StoredPackage> {
  const { chosen } = operation.progress;
  if (chosen === undefined) throw new PlatformError('INTERNAL', 'No source was chosen for the package');
  if (chosen.kind === 'registry') return needs.intake.fetch({ pluginId: operation.pluginId, ...chosen }, signal);
  const found = await needs.packages.find(chosen.digest);
  if (found === null) throw new PlatformError('PACKAGE_NOT_FOUND', `The package ${chosen.digest} is gone`);
  return found;
}

function originOf({ chosen }: Progress): Partial<Progress> {
  if (chosen === undefined) return {};
  if (chosen.kind === 'stored') {
    return { source: chosen.source, registry: null, verified: chosen.source === 'builtin' };
  }
  return { source: 'registry', registry: chosen.registry, verified: chosen.verified };
}

type PlanNeeds = Pick<SagaNeeds, 'installations' | 'registry' | 'packages' | 'hostVersion'>;
type Needing = { version: string; dependencies: Record<string, string> };

/**
 * Throws when dependencies are missing or do not fit together, or says what to do first, in order: what to install, and, for a plugin
 * that is to be enabled, what to enable.
 */
export async function dependenciesFirst(
  needs: PlanNeeds,
  { tenant, pluginId, input }: Pick<Operation, 'tenant' | 'pluginId' | 'input'>,
  needing: Needing,
  { enabled = false } = {},
): Promise<ChildOperation[]> {
  const installed = await needs.installations.list(tenant);
  const unready = unreadyOf(needing, installed, enabled);
  if (unready.length > 0 && input.withDependencies !== true) throw new DependenciesMissingError(pluginId, unready);
  return await readying(needs, { tenant, pluginId }, needing, { installed, unready, enabled });
}

/** The same for a plan: what there is to do first, and the refusal of whoever does not ask for it. */
export async function planDependencies(
  needs: PlanNeeds,
  about: { tenant: string; pluginId: string },
  needing: Needing,
  { enabled }: { enabled: boolean },
): Promise<{ first: ChildOperation[]; refusal: DependenciesMissingError | null }> {
  const installed = await needs.installations.list(about.tenant);
  const unready = unreadyOf(needing, installed, enabled);
  const first = await readying(needs, about, needing, { installed, unready, enabled });
  return { first, refusal: unready.length === 0 ? null : new DependenciesMissingError(about.pluginId, unready) };
}

function unreadyOf({ dependencies }: Needing, installed: InstalledRecord[], enabled: boolean): Requirement[] {
  return enabled ? unreadyDependencies(dependencies, installed) : missingDependencies(dependencies, installed);
}

async function readying(
  needs: PlanNeeds,
  { tenant, pluginId }: { tenant: string; pluginId: string },
  needing: Needing,
  { installed, unready, enabled }: { installed: InstalledRecord[]; unready: Requirement[]; enabled: boolean },
): Promise<ChildOperation[]> {
  const plan = await resolveDependencies(
    { pluginId, ...needing },
    { installed: withNeeds(installed), candidates: candidatesFor(needs, tenant), hostVersion: needs.hostVersion },
  );
  const installs = plan.map((planned): ChildOperation => {
    return { pluginId: planned.pluginId, kind: 'install', input: { version: planned.version } };
  });
  if (!enabled) return installs;
  const enables = unready.map(({ id }): ChildOperation => {
    return { pluginId: id, kind: 'enable', input: { withDependencies: true } };
  });
  return [...installs, ...enables];
}

/** What a finished package step has left behind. */
export function introduced({ progress, pluginId }: Operation) {
  const { package: bytes, manifest, source = 'registry', registry = null, verified = false } = progress;
  if (bytes === undefined || manifest === undefined) {
    throw new PlatformError('INTERNAL', `The package of ${pluginId} was not taken in`);
  }
  return { package: bytes, manifest, version: manifest.version, source, registry, verified };
}

export type Reason = ErrorAnswer & { stack?: string };
