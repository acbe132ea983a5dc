import { PluginInstalled } from '@verifywise/contracts';
import { forcedIn, installAction, overriddenBy } from '../audit/operation-entries.ts';
import { emptyConfig } from '../config/values-after.ts';
import type { Operation, Saga, Step } from '../operations/operation.ts';
import { assertCompatible } from './compatibility.ts';
import { chooseSource } from './choose-source.ts';
import { missingDependencies } from './dependencies.ts';
import { AlreadyInstalledError, DependenciesMissingError } from './errors.ts';
import { grantsOnInstall } from './grants.ts';
import { hookStep, type Aim } from './hook-step.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import { dependenciesFirst, dependenciesStep, introduced, packageStep } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, settle } from './settle.ts';

/** S:5.2: check, download, verify, unpack, validate, onInstall, onLoad, installed but not enabled. */
export function installSaga(needs: SagaNeeds): Saga {
  return [checkInstall(needs), dependenciesStep(needs, 'dependencies'), ...installSteps(needs, () => true)];
}

/** The part of an installation that enabling a built-in plugin for the first time does as well. */
export function installSteps(needs: SagaNeeds, applies: (operation: Operation) => boolean): Step[] {
  const installed: Aim = { state: 'installed', desired: 'disabled' };
  return [
    packageStep(needs, applies),
    acceptPackage(needs, applies),
    {
      ...hookStep(needs, {
        name: 'onInstall',
        hook: 'onInstall',
        aim: () => installed,
        options: () => ({ reason: 'install' }),
        applies,
      }),
      undo: ({ operation, stepId, signal }) => removeTraces(needs, operation, stepId, signal),
    },
    hookStep(needs, { name: 'onLoad', hook: 'onLoad', aim: () => installed, applies }),
    saveInstalled(applies),
  ];
}

function checkInstall(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const existing = await needs.installations.find(tenant, pluginId);
      if (existing !== null) {
        throw new AlreadyInstalledError(existing, input);
      }
      const choice = await chooseSource(needs, tenant, pluginId, input);
      assertCompatible({ id: pluginId, ...choice }, needs.hostVersion, input.force);
      // What the registry says of it is not the last word, but saves fetching what is refused.
      grantsOnInstall(pluginId, choice.permissions, input.acceptedPermissions);
      const children = await dependenciesFirst(needs, operation, choice);
      return { progress: { chosen: choice.chosen, children }, outcome: { version: choice.version } };
    },
  };
}

/** The manifest is the truth, whatever the registry said of it; from here on the tenant has a row for the plugin. */
function acceptPackage(needs: SagaNeeds, applies: (operation: Operation) => boolean): Step {
  return {
    name: 'accept',
    applies,
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const { manifest } = introduced(operation);
      const incompatible = assertCompatible(manifest, needs.hostVersion, input.force);
      const missing = missingDependencies(manifest.dependencies, await needs.installations.list(tenant));
      if (missing.length > 0) throw new DependenciesMissingError(pluginId, missing);
      const granted = grantsOnInstall(pluginId, manifest.permissions, input.acceptedPermissions);
      return {
        progress: { granted, ...overriddenBy([incompatible]) },
        async commit(tx) {
          const earlier = await tx.findConfig(tenant, pluginId);
          const config = earlier ?? emptyConfig(tenant, pluginId);
          await tx.saveConfig({ ...config, retainedSince: null });
          await tx.saveInstallation(newRecord(operation, granted, await tx.nextGeneration()));
          return { hadRemains: earlier !== null };
        },
      };
    },
    undo({ operation }) {
      const { tenant, pluginId, progress } = operation;
      return Promise.resolve({
        async commit(tx) {
          // Refused before it had a row: then there is nothing of this installation, and an earlier config is not ours.
          if ((await tx.lockInstallation(tenant, pluginId)) === null) return undefined;
          await tx.removeInstallation(tenant, pluginId);
          const config = await tx.findConfig(tenant, pluginId);
          if (progress.hadRemains !== true) await tx.removeConfig(tenant, pluginId);
          else if (config !== null) await tx.saveConfig({ ...config, retainedSince: new Date() });
          await tx.tellRunnerToForget(tenant, pluginId, await tx.nextGeneration());
          return undefined;
        },
      });
    },
  };
}

function newRecord(operation: Operation, granted: InstalledRecord['granted'], generation: number): InstalledRecord {
  const now = new Date();
  return {
    tenant: operation.tenant,
    pluginId: operation.pluginId,
    ...introduced(operation),
    granted,
    state: 'installing',
    desired: 'disabled',
    generation,
    previous: null,
    lastError: null,
    target: null,
    runningSince: generation,
    installedAt: now,
    updatedAt: now,
  };
}

/** Whatever onInstall has made goes again; data of an earlier life of the plugin stays. */
async function removeTraces(needs: SagaNeeds, operation: Operation, stepId: string, signal: AbortSignal) {
  const { tenant, pluginId, progress, id: operationId } = operation;
  await needs.runner.forget(tenant, pluginId, await needs.transact((tx) => tx.nextGeneration()), signal);
  if (progress.hadRemains === true) return { outcome: 'earlier data kept' };
  return { outcome: await needs.runner.deleteData(tenant, { stepId, operationId, pluginId }, signal) };
}

function saveInstalled(applies: (operation: Operation) => boolean): Step {
  return {
    name: 'installed',
    applies,
    final: true,
    run({ operation }) {
      const { tenant, pluginId, actor, id, input, progress } = operation;
      return Promise.resolve({
        async commit(tx) {
          const record = await settle(tx, tenant, pluginId, { state: 'installed', desired: 'disabled' });
          const { version, granted, package: bytes, state, source } = record;
          const after = { version, state, granted, source, digest: bytes.digest, ...forcedIn(progress) };
          const action = installAction(input);
          await tx.audit(tenant, { pluginId, action, actor, after, operationId: id });
          await tx.publish(PluginInstalled, tenant, factOf(record));
          return undefined;
        },
      });
    },
  };
}
