import { PluginDisabled, PluginUninstalled } from '@verifywise/contracts';
import type { Operation, Saga, Step } from '../operations/operation.ts';
import { dependentsOf } from './dependencies.ts';
import { DependentsExistError } from './errors.ts';
import { findInstalled } from './find-installed.ts';
import { hookStep } from './hook-step.ts';
import { childrenStep } from './package-steps.ts';
import type { ChildOperation } from './progress.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, pluginError, settleInError } from './settle.ts';

/** S:5.4: onDisable when enabled, onUnload, onUninstall; then the code goes, and the data when that was asked for. */
export function uninstallSaga(needs: SagaNeeds): Saga {
  return [
    checkUninstall(needs),
    childrenStep(needs, 'dependents'),
    beginUninstall(),
    hookStep(needs, {
      name: 'onDisable',
      hook: 'onDisable',
      aim: () => ({ state: 'disabled', desired: 'disabled' }),
      applies: ({ progress }) => progress.wasEnabled === true,
      tolerant: isForced,
    }),
    hookStep(needs, {
      name: 'onUnload',
      hook: 'onUnload',
      aim: () => ({ state: 'unloaded', desired: 'disabled' }),
      tolerant: isForced,
    }),
    hookStep(needs, {
      name: 'onUninstall',
      hook: 'onUninstall',
      aim: () => ({ state: 'uninstalling', desired: 'absent' }),
      options: ({ input }) => ({ deleteData: input.deleteData === true }),
      tolerant: isForced,
    }),
    {
      name: 'delete-data',
      applies: ({ input }) => input.deleteData === true,
      async run({ operation, stepId, signal }) {
        const { tenant, pluginId, id: operationId } = operation;
        return { outcome: await needs.runner.deleteData(tenant, { stepId, operationId, pluginId }, signal) };
      },
    },
    removePlugin(),
  ];
}

/** What has failed before may fail again; that must not keep an admin from getting rid of it. */
function isForced({ input, progress }: Operation): boolean {
  return input.force === true || progress.wasBroken === true;
}

function checkUninstall(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const record = await findInstalled(needs, operation);
      const dependents = dependentsOf(pluginId, await needs.installations.list(tenant));
      if (dependents.length > 0 && input.cascade !== true) throw new DependentsExistError(pluginId, dependents);
      const { deleteData = false, force = false } = input;
      const children = dependents.map((id): ChildOperation => ({
        pluginId: id,
        kind: 'uninstall',
        input: { deleteData, force, cascade: true },
      }));
      const { desired, state } = record;
      return { progress: { children, wasEnabled: desired === 'enabled', wasBroken: state === 'error' } };
    },
  };
}

function beginUninstall(): Step {
  return {
    name: 'begin',
    run: ({ operation: { tenant, pluginId } }) =>
      Promise.resolve({
        async commit(tx) {
          const record = await lock(tx, tenant, pluginId);
          await tx.saveInstallation({ ...record, state: 'uninstalling', updatedAt: new Date() });
          return undefined;
        },
      }),
    undo: ({ operation }, reason) =>
      Promise.resolve({
        async commit(tx) {
          const record = await lock(tx, operation.tenant, operation.pluginId);
          if (record.state !== 'uninstalling') return undefined;
          const error = pluginError(reason, { version: record.version, during: 'uninstall' });
          await settleInError(tx, record, error, operation.id);
          return undefined;
        },
      }),
  };
}

function removePlugin(): Step {
  return {
    name: 'uninstalled',
    final: true,
    run({ operation }) {
      const { tenant, pluginId, actor, id, input, progress } = operation;
      const deleteData = input.deleteData === true;
      return Promise.resolve({
        async commit(tx) {
          const record = { ...(await lock(tx, tenant, pluginId)), generation: await tx.nextGeneration() };
          await tx.removeInstallation(tenant, pluginId);
          const config = await tx.findConfig(tenant, pluginId);
          if (deleteData) await tx.removeConfig(tenant, pluginId);
          else if (config !== null) await tx.saveConfig({ ...config, retainedSince: new Date() });
          await tx.tellRunnerToForget(tenant, pluginId, record.generation);
          const { version, granted, package: bytes } = record;
          const before = { version, granted, digest: bytes.digest };
          const after = {
            state: 'uninstalled',
            deleteData,
            ...(progress.hookErrors ? { hookErrors: progress.hookErrors } : {}),
          };
          await tx.audit(tenant, { pluginId, action: 'uninstall', actor, before, after, operationId: id });
          if (progress.wasEnabled === true) {
            const timestamp = new Date().toISOString();
            await tx.publish(PluginDisabled, tenant, { ...factOf(record, 'disabled'), timestamp });
          }
          await tx.publish(PluginUninstalled, tenant, { ...factOf(record, 'uninstalled'), dataDeleted: deleteData });
          return undefined;
        },
      });
    },
  };
}
