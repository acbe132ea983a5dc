import { PlatformError, type ErrorAnswer } from '@verifywise/contracts';
import type { Operation, Step } from '../operations/operation.ts';
import { missingDependencies } from './dependencies.ts';
import { DependenciesMissingError } from './errors.ts';
import type { StoredPackage } from './hands.ts';
import type { ChildOperation, Progress } from './progress.ts';
import type { SagaNeeds } from './saga-needs.ts';

type Applies = (operation: Operation) => boolean;

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

/** Throws when dependencies are missing, or says which plugins to install first. */
export function dependenciesFirst(
  pluginId: string,
  needed: Record<string, string>,
  installed: Parameters<typeof missingDependencies>[1],
  withDependencies: boolean | undefined,
): ChildOperation[] {
  const missing = missingDependencies(needed, installed);
  if (missing.length === 0) return [];
  const installable = missing.every(({ problem }) => problem === 'not installed');
  if (withDependencies !== true || !installable) throw new DependenciesMissingError(pluginId, missing);
  return missing.map(({ id }) => ({ pluginId: id, kind: 'install', input: { withDependencies: true } }));
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
