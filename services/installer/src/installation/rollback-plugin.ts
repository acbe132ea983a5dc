import { PluginRolledBack } from '@verifywise/contracts';
import { overriddenBy, versionAfter } from '../audit/operation-entries.ts';
import { sealForVersion } from '../config/seal-for-version.ts';
import type { Saga, Step } from '../operations/operation.ts';
import { beginChange, changeVersionSteps, nextVersion } from './change-version.ts';
import { assertDependentsFit } from './dependencies.ts';
import { NothingToRollBackError } from './errors.ts';
import { findInstalled } from './find-installed.ts';
import { grantsOnRollback } from './grants.ts';
import { previousOf, type InstalledRecord } from './installed-plugin.ts';
import { introduced } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, settle } from './settle.ts';
import { assertSettings, tellOfSettings } from './version-settings.ts';

/** S:5.5: back to the version before the last update; both packages are here, so nothing is fetched. */
export function rollbackSaga(needs: SagaNeeds): Saga {
  return [
    checkRollback(needs),
    beginChange(grantsWithPrevious),
    ...changeVersionSteps(needs, { migrate: false }),
    saveRolledBack(needs),
  ];
}

function grantsWithPrevious(record: InstalledRecord): InstalledRecord['granted'] {
  if (record.previous === null) throw new NothingToRollBackError(record.pluginId);
  return grantsOnRollback(record, record.previous);
}

function checkRollback(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const record = await findInstalled(needs, operation);
      const { previous } = record;
      if (previous === null) throw new NothingToRollBackError(pluginId);
      const installed = await needs.installations.list(tenant);
      const unfit = assertDependentsFit(pluginId, previous.version, installed, input.force);
      await assertSettings(needs, operation, previous.manifest, { enabled: record.desired === 'enabled' });
      return {
        progress: {
          ...previous,
          wasEnabled: record.desired === 'enabled',
          fromVersion: record.version,
          ...overriddenBy([unfit]),
        },
        outcome: { fromVersion: record.version, version: previous.version },
      };
    },
  };
}

function saveRolledBack(needs: SagaNeeds): Step {
  return {
    name: 'rolled-back',
    final: true,
    run({ operation }) {
      const { tenant, pluginId, actor, id, progress } = operation;
      return Promise.resolve({
        async commit(tx) {
          const left = await lock(tx, tenant, pluginId);
          const { version } = left;
          const enabled = progress.wasEnabled === true;
          const record = await settle(tx, tenant, pluginId, {
            ...introduced(operation),
            ...nextVersion(operation),
            state: enabled ? 'enabled' : 'installed',
            desired: enabled ? 'enabled' : 'disabled',
            // Swapped, so that a rollback can itself be taken back.
            previous: previousOf(left),
            lastError: null,
            ...(left.target === null ? {} : { runningSince: left.target.since }),
          });
          await sealForVersion(needs.secrets, tx, record);
          const before = { version, state: progress.stateBefore, granted: left.granted };
          const after = versionAfter(record, progress);
          await tx.audit(tenant, { pluginId, action: 'rollback', actor, before, after, operationId: id });
          await tellOfSettings(tx, operation, record);
          await tx.publish(PluginRolledBack, tenant, { ...factOf(record), fromVersion: version });
          return undefined;
        },
      });
    },
  };
}
