import { missingConfig, PluginEnabled, type ErrorCode } from '@verifywise/contracts';
import { storedValues } from '../config/sealed-config.ts';
import type { Operation, Saga, Step } from '../operations/operation.ts';
import { chooseSource } from './choose-source.ts';
import { ConfigMissingError, PluginNotInstalledError } from './errors.ts';
import { findInstalled } from './find-installed.ts';
import { hookStep } from './hook-step.ts';
import { installSteps } from './install-plugin.ts';
import type { InstalledRecord, Target } from './installed-plugin.ts';
import { childrenStep, dependenciesFirst, dependenciesStep } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { factOf, lock, pluginError, settle, settleInError } from './settle.ts';
import type { Transaction } from './transaction.ts';

/** An installed plugin begins to work. One that ships with the platform is installed first (contract §4). */
export function enableSaga(needs: SagaNeeds): Saga {
  return [
    checkEnable(needs),
    dependenciesStep(needs, 'install-dependencies'),
    ...installSteps(needs, ({ progress }) => progress.installFirst === true),
    readyToEnable(needs),
    childrenStep(needs, 'enable-dependencies', 'enableFirst'),
    {
      ...hookStep(needs, {
        name: 'onEnable',
        hook: 'onEnable',
        aim: () => ({ state: 'enabled', desired: 'enabled' }),
        applies: somethingToDo,
        // What it needed may have taken minutes to enable, and an admin may have cleared a setting meanwhile.
        allowed: settingsAreThere,
      }),
      undo: ({ operation }, reason) =>
        Promise.resolve({
          async commit(tx) {
            const record = await lock(tx, operation.tenant, operation.pluginId);
            const error = pluginError(reason, { version: record.version, during: 'onEnable' });
            if (notItsFault.has(reason.code))
              await settle(tx, operation.tenant, operation.pluginId, { lastError: error });
            else await settleInError(tx, record, error, operation.id);
            return undefined;
          },
        }),
    },
    saveEnabled(),
  ];
}

/** What it was before, it is again: a missing grant or setting is the admin's to give (S:6.1), a missing runner the operator's. */
const notItsFault: ReadonlySet<ErrorCode> = new Set(['PERMISSION_DENIED', 'CONFIG_MISSING', 'NO_RUNNER']);

async function settingsAreThere(tx: Transaction, { tenant, pluginId }: Operation, { manifest }: Target): Promise<void> {
  const missing = missingConfig(manifest.config, storedValues(await tx.findConfig(tenant, pluginId)));
  if (missing.length > 0) throw ConfigMissingError.toEnable(pluginId, missing);
}

function somethingToDo({ progress }: Operation): boolean {
  return progress.nothingToDo !== true;
}

function checkEnable(needs: SagaNeeds): Step {
  return {
    name: 'check',
    async run({ operation }) {
      const { tenant, pluginId } = operation;
      const record = await needs.installations.find(tenant, pluginId);
      if (record !== null) return { progress: { nothingToDo: isEnabled(record), installFirst: false } };
      const builtin = (await needs.packages.builtins()).find(({ manifest }) => manifest.id === pluginId);
      if (builtin === undefined) throw new PluginNotInstalledError(pluginId);
      const { version } = builtin.manifest;
      const choice = await chooseSource(needs, tenant, pluginId, { version });
      const children = await dependenciesFirst(needs, operation, choice);
      return { progress: { installFirst: true, chosen: choice.chosen, children } };
    },
  };
}

function isEnabled({ desired, state }: InstalledRecord): boolean {
  return desired === 'enabled' && state === 'enabled';
}

function readyToEnable(needs: SagaNeeds): Step {
  return {
    name: 'ready',
    applies: somethingToDo,
    async run({ operation }) {
      const { tenant, pluginId } = operation;
      const record = await findInstalled(needs, operation);
      const config = await needs.installations.findConfig(tenant, pluginId);
      const missing = missingConfig(record.manifest.config, storedValues(config));
      if (missing.length > 0) throw ConfigMissingError.toEnable(pluginId, missing);
      const { version, manifest } = record;
      const needed = { version, dependencies: manifest.dependencies };
      return { progress: { enableFirst: await dependenciesFirst(needs, operation, needed, { enabled: true }) } };
    },
  };
}

function saveEnabled(): Step {
  return {
    name: 'enabled',
    applies: somethingToDo,
    final: true,
    run({ operation }) {
      const { tenant, pluginId, actor, id } = operation;
      return Promise.resolve({
        async commit(tx) {
          const { target, state: before } = await lock(tx, tenant, pluginId);
          const record = await settle(tx, tenant, pluginId, {
            state: 'enabled',
            desired: 'enabled',
            lastError: null,
            ...(target === null ? {} : { runningSince: target.since }),
          });
          await tx.audit(tenant, {
            pluginId,
            action: 'enable',
            actor,
            before: { state: before },
            after: { state: 'enabled', version: record.version },
            operationId: id,
          });
          await tx.publish(PluginEnabled, tenant, { ...factOf(record), timestamp: new Date().toISOString() });
          return undefined;
        },
      });
    },
  };
}
