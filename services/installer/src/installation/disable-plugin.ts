import { PluginDisabled } from '@verifywise/contracts';
import type { Operation, Saga, Step } from '../operations/operation.ts';
import { dependentsOf } from './dependencies.ts';
import { DependentsExistError } from './errors.ts';
import { findInstalled } from './find-installed.ts';
import { hookStep } from './hook-step.ts';
import { childrenStep } from './package-steps.ts';
import type { ChildOperation } from './progress.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, pluginError, settle, settleInError } from './settle.ts';
import { fixOf, withDetails } from './told-reason.ts';

/** An enabled plugin stops working and stays installed; those that need it enabled stop before it. */
export function disableSaga(needs: SagaNeeds): Saga {
  return [
    checkDisable(needs),
    childrenStep(needs, 'dependents'),
    {
      ...hookStep(needs, {
        name: 'onDisable',
        hook: 'onDisable',
        aim: () => ({ state: 'disabled', desired: 'disabled' }),
        applies: somethingToDo,
      }),
      undo({ operation }, reason) {
        let told = reason;
        return Promise.resolve({
          async commit(tx) {
            const record = await lock(tx, operation.tenant, operation.pluginId);
            const error = pluginError(reason, { version: record.version, during: 'onDisable' });
            await settleInError(tx, record, error, operation.id);
            told = withDetails(reason, fixOf(error));
            return undefined;
          },
          error: () => told,
        });
      },
    },
    {
      name: 'disabled',
      applies: somethingToDo,
      final: true,
      run({ operation: { tenant, pluginId, actor, id } }) {
        return Promise.resolve({
          async commit(tx) {
            const record = await settle(tx, tenant, pluginId, { state: 'disabled', desired: 'disabled' });
            const { version } = record;
            const change = { before: { state: 'enabled' }, after: { state: 'disabled', version } };
            await tx.audit(tenant, { pluginId, action: 'disable', actor, ...change, operationId: id });
            await tx.publish(PluginDisabled, tenant, { ...factOf(record), timestamp: new Date().toISOString() });
            return undefined;
          },
        });
      },
    },
  ];
}

function checkDisable(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId, input } = operation;
      const record = await findInstalled(needs, operation);
      if (record.desired !== 'enabled') return { progress: { nothingToDo: true } };
      const enabled = (await needs.installations.list(tenant)).filter(({ desired }) => desired === 'enabled');
      const dependents = dependentsOf(pluginId, enabled);
      if (dependents.length > 0 && input.cascade !== true) {
        throw DependentsExistError.whileEnabled(pluginId, dependents);
      }
      const children = dependents.map((id): ChildOperation => {
        return { pluginId: id, kind: 'disable', input: { cascade: true } };
      });
      return { progress: { nothingToDo: false, children } };
    },
  };
}

function somethingToDo({ progress }: Operation): boolean {
  return progress.nothingToDo !== true;
}
