import type { Installation } from '../installation.ts';
import type { ErrorAnswer } from '../errors.ts';
import { work } from '../messages.ts';
import type { Surface } from '../surface.ts';

export const lifecycleHooks = ['onInstall', 'onUninstall', 'onLoad', 'onUnload', 'onEnable', 'onDisable'] as const;
export type LifecycleHook = (typeof lifecycleHooks)[number];

/** What the installer has a partition's owner do, one step of an operation (contract §4). */
export interface RunHookRequest {
  /** The same for every attempt at this step: a step that was done answers with its stored outcome. */
  stepId: string;
  operationId: string;
  /** The plugin as it is to be during this hook: version, package, grants, config. */
  installation: Installation;
  hook: LifecycleHook;
  options: { reason?: 'install' | 'update'; fromVersion?: string; deleteData?: boolean };
  /** Milliseconds the hook may take; exceeding them is a hook error. */
  limitMs: number;
}

export type StepOutcome =
  | { kind: 'done'; stepId: string; surface?: Surface }
  | { kind: 'failed'; stepId: string; error: ErrorAnswer & { stack?: string } };

/** Runs one lifecycle hook in the plugin's isolate, starting or stopping the isolate as the hook implies. */
export const RunHook = work<RunHookRequest, StepOutcome>('runner.run-hook');

export interface DeletePluginDataRequest {
  stepId: string;
  operationId: string;
  pluginId: string;
}
/** Removes everything the runner keeps for one plugin of one tenant: metadata, tables, scratch files, failed deliveries. */
export const DeletePluginData = work<DeletePluginDataRequest, StepOutcome>('runner.delete-plugin-data');

/** Tells the owner that the desired state of an installation has changed; the truth is ListInstallations. */
export const ApplyInstallation = work<{ installation: Installation }>('runner.apply-installation');

/** Tells the owner that the tenant no longer has this plugin. */
export const ForgetInstallation = work<{ pluginId: string; generation: number }>('runner.forget-installation');
