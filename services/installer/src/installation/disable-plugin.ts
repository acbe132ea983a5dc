import { PluginDisabled } from '@verifywise/contracts';
import type { Operation, Saga } from '../operations/operation.ts';
import { enabledNeeds } from './dependencies.ts';
import { findInstalled } from './find-installed.ts';
import { hookStep } from './hook-step.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, pluginError, settle, settleInError } from './settle.ts';

/** An enabled plugin stops working and stays installed. */
export function disableSaga(needs: SagaNeeds): Saga {
  return [
    {
      name: 'check',
      async run({ operation }) {
        const { tenant, pluginId } = operation;
        const record = await findInstalled(needs, operation);
        const installed = await needs.installations.list(tenant);
        const warnings = enabledNeeds(pluginId, installed).map((id) => `${id} is enabled and needs ${pluginId}`);
        return { progress: { nothingToDo: record.desired !== 'enabled', warnings } };
      },
    },
    {
      ...hookStep(needs, {
        name: 'onDisable',
        hook: 'onDisable',
        aim: () => ({ state: 'disabled', desired: 'disabled' }),
        applies: somethingToDo,
      }),
      undo: ({ operation }, reason) =>
        Promise.resolve({
          async commit(tx) {
            const record = await lock(tx, operation.tenant, operation.pluginId);
            const error = pluginError(reason, { version: record.version, during: 'onDisable' });
            await settleInError(tx, record, error, operation.id);
            return undefined;
          },
        }),
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

function somethingToDo({ progress }: Operation): boolean {
  return progress.nothingToDo !== true;
}
