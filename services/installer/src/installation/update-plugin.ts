import { compareVersions, PlatformError, PluginUpdated } from '@verifywise/contracts';
import type { ErrorCode } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import { overriddenBy, updateAction, versionAfter } from '../audit/operation-entries.ts';
import { sealForVersion } from '../config/seal-for-version.ts';
import type { Operation, Saga, Step } from '../operations/operation.ts';
import { beginChange, changeVersionSteps, nextVersion } from './change-version.ts';
import { chooseSource, type Choice } from './choose-source.ts';
import { assertCompatible } from './compatibility.ts';
import { assertDependentsFit } from './dependencies.ts';
import { NothingToUpdateError, OnlyByUploadError } from './errors.ts';
import { findInstalled } from './find-installed.ts';
import { grantsOnUpdate } from './grants.ts';
import { previousOf, type InstalledRecord } from './installed-plugin.ts';
import { dependenciesFirst, dependenciesStep, introduced, packageStep } from './package-steps.ts';
import type { OperationInput } from './progress.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, settle } from './settle.ts';
import { assertSettings, tellOfSettings } from './version-settings.ts';

/** S:5.3: the new version takes the place of the old one, which is kept for a rollback. */
export function updateSaga(needs: SagaNeeds): Saga {
  return [
    checkUpdate(needs),
    packageStep(needs, () => true),
    acceptUpdate(needs),
    dependenciesStep(needs, 'dependencies'),
    beginChange(grantsThen),
    ...changeVersionSteps(needs, { migrate: true }),
    saveUpdated(needs),
  ];
}

function checkUpdate(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const record = await findInstalled(needs, operation);
      const choice = await chooseUpdate(needs, record, input);
      const newer = compareVersions(choice.version, record.version);
      if (newer === 0 || (newer < 0 && input.force !== true)) {
        throw new NothingToUpdateError(record, {
          version: choice.version,
          older: newer < 0,
          input,
          heldBack: choice.heldBack,
        });
      }
      assertCompatible({ id: pluginId, ...choice }, needs.hostVersion, input.force);
      assertDependentsFit(pluginId, choice.version, await needs.installations.list(tenant), input.force);
      // What the registry says of it is not the last word, but saves fetching what is refused.
      agreedGrants(record, choice.permissions, input);
      const wasEnabled = record.desired === 'enabled';
      await dependenciesFirst(needs, operation, choice, { enabled: wasEnabled });
      const progress = { chosen: choice.chosen, wasEnabled, fromVersion: record.version };
      return { progress, outcome: { fromVersion: record.version, version: choice.version } };
    },
  };
}

/** The registry's, unless what is installed came by upload and no registry knows it. */
async function chooseUpdate(needs: SagaNeeds, record: InstalledRecord, input: OperationInput): Promise<Choice> {
  try {
    return await chooseSource(needs, record.tenant, record.pluginId, input);
  } catch (error) {
    if (record.source !== 'upload' || !isErrorOf(error, 'PLUGIN_NOT_FOUND')) throw error;
    throw new OnlyByUploadError(record);
  }
}

function isErrorOf(error: unknown, code: ErrorCode): boolean {
  return error instanceof PlatformError && error.code === code;
}

function agreedGrants({ pluginId, manifest, granted }: InstalledRecord, declared: Permission[], input: OperationInput) {
  return grantsOnUpdate(pluginId, { declared: manifest.permissions, granted }, declared, input.acceptedPermissions);
}

function grantsThen(record: InstalledRecord, operation: Operation): Permission[] {
  return agreedGrants(record, introduced(operation).manifest.permissions, operation.input);
}

/** The manifest is the truth, whatever the registry said of it: what is refused now has brought no dependency along. */
function acceptUpdate(needs: SagaNeeds): Step {
  return {
    name: 'accept',
    async run({ operation }) {
      const { tenant, pluginId, input, progress } = operation;
      const { manifest } = introduced(operation);
      const record = await findInstalled(needs, operation);
      const incompatible = assertCompatible(manifest, needs.hostVersion, input.force);
      const installed = await needs.installations.list(tenant);
      const unfit = assertDependentsFit(pluginId, manifest.version, installed, input.force);
      agreedGrants(record, manifest.permissions, input);
      const enabled = progress.wasEnabled === true;
      await assertSettings(needs, operation, manifest, { enabled });
      const children = await dependenciesFirst(needs, operation, manifest, { enabled });
      const older = compareVersions(manifest.version, record.version) < 0;
      const backwards = older ? `${manifest.version} is older than ${record.version}` : undefined;
      return { progress: { children, ...overriddenBy([incompatible, unfit, backwards]) } };
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
          const before = { version, state: progress.stateBefore, granted };
          const after = versionAfter(record, progress);
          await tx.audit(tenant, { pluginId, action: updateAction(input), actor, before, after, operationId: id });
          await tellOfSettings(tx, operation, record);
          await tx.publish(PluginUpdated, tenant, { ...factOf(record), fromVersion: version });
          return undefined;
        },
      });
    },
  };
}
