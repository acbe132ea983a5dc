import { compareVersions, PluginUpdated } from '@verifywise/contracts';
import { updateAction } from '../audit/operation-entries.ts';
import { sealForVersion } from '../config/seal-for-version.ts';
import type { Saga, Step } from '../operations/operation.ts';
import { beginChange, changeVersionSteps, nextVersion } from './change-version.ts';
import { chooseSource } from './choose-source.ts';
import { assertCompatible } from './compatibility.ts';
import { missingDependencies } from './dependencies.ts';
import { DependenciesMissingError, NothingToUpdateError, PluginNotInstalledError } from './errors.ts';
import { grantsOnUpdate } from './grants.ts';
import { previousOf } from './installed-plugin.ts';
import { childrenStep, dependenciesFirst, introduced, packageStep } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, settle } from './settle.ts';

/** S:5.3: the new version takes the place of the old one, which is kept for a rollback. */
export function updateSaga(needs: SagaNeeds): Saga {
  return [
    checkUpdate(needs),
    childrenStep(needs, 'dependencies'),
    packageStep(needs, () => true),
    acceptUpdate(needs),
    beginChange(),
    ...changeVersionSteps(needs, { migrate: true }),
    saveUpdated(needs),
  ];
}

function checkUpdate(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const record = await needs.installations.find(tenant, pluginId);
      if (record === null) throw new PluginNotInstalledError(pluginId);
      const choice = await chooseSource(needs, tenant, pluginId, input);
      const newer = compareVersions(choice.version, record.version);
      if (newer === 0 || (newer < 0 && input.force !== true)) {
        throw new NothingToUpdateError(record, { version: choice.version, older: newer < 0, input });
      }
      assertCompatible({ id: pluginId, ...choice }, needs.hostVersion, input.force);
      const installed = await needs.installations.list(tenant);
      const children = dependenciesFirst(pluginId, choice.dependencies, installed, input.withDependencies);
      const progress = {
        chosen: choice.chosen,
        children,
        wasEnabled: record.desired === 'enabled',
        fromVersion: record.version,
      };
      return { progress, outcome: { fromVersion: record.version, version: choice.version } };
    },
  };
}

function acceptUpdate(needs: SagaNeeds): Step {
  return {
    name: 'accept',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const { manifest } = introduced(operation);
      const record = await needs.installations.find(tenant, pluginId);
      if (record === null) throw new PluginNotInstalledError(pluginId);
      const incompatible = assertCompatible(manifest, needs.hostVersion, input.force);
      const missing = missingDependencies(manifest.dependencies, await needs.installations.list(tenant));
      if (missing.length > 0) throw new DependenciesMissingError(pluginId, missing);
      const before = { declared: record.manifest.permissions, granted: record.granted };
      const granted = grantsOnUpdate(pluginId, before, manifest.permissions, input.acceptedPermissions);
      const older = compareVersions(manifest.version, record.version) < 0;
      const overridden = [incompatible, older ? `${manifest.version} is older than ${record.version}` : undefined]
        .filter((reason) => reason !== undefined)
        .join('; ');
      return { progress: { granted, ...(overridden === '' ? {} : { overridden }) } };
    },
  };
}

function saveUpdated(needs: SagaNeeds): Step {
  return {
    name: 'updated',
    final: true,
    run({ operation }) {
      const { tenant, pluginId, actor, id, progress, input } = operation;
      return Promise.resolve({
        async commit(tx) {
          const old = await lock(tx, tenant, pluginId);
          const { version, granted } = old;
          const enabled = progress.wasEnabled === true;
          const record = await settle(tx, tenant, pluginId, {
            ...introduced(operation),
            ...nextVersion(operation),
            state: enabled ? 'enabled' : 'installed',
            desired: enabled ? 'enabled' : 'disabled',
            previous: previousOf(old),
            lastError: null,
            ...(old.target === null ? {} : { runningSince: old.target.since }),
          });
          await sealForVersion(needs.secrets, tx, record);
          const forced = progress.overridden === undefined ? {} : { force: true, overridden: progress.overridden };
          const before = { version, state: progress.stateBefore, granted };
          const after = { version: record.version, state: record.state, granted: record.granted, ...forced };
          await tx.audit(tenant, { pluginId, action: updateAction(input), actor, before, after, operationId: id });
          await tx.publish(PluginUpdated, tenant, { ...factOf(record), fromVersion: version });
          return undefined;
        },
      });
    },
  };
}
