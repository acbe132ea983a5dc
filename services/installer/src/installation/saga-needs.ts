import type { Secrets } from '../config/sealed-config.ts';
import type { Operation, OperationKind } from '../operations/operation.ts';
import type { Installations, PackageIntake, Packages, PluginRegistry, PluginRunner } from './hands.ts';
import type { ChildOperation } from './progress.ts';
import type { Transact } from './transaction.ts';

/** What the steps of every operation work with. */
export interface SagaNeeds {
  installations: Installations;
  packages: Packages;
  intake: PackageIntake;
  registry: PluginRegistry;
  runner: PluginRunner;
  secrets: Secrets;
  transact: Transact;
  /** Runs an operation on another plugin to its end; DEPENDENCY_FAILED when it fails. */
  runChild(parent: Operation, child: ChildOperation, signal: AbortSignal): Promise<void>;
  /** An operation that this one has started; null when it has not. */
  findChild(parent: Operation, pluginId: string, kind: OperationKind): Promise<Operation | null>;
  hostVersion: string;
  limits: HookLimits;
}

/** Milliseconds a hook may take (contract §4). */
export interface HookLimits {
  hookMs: number;
  /** `onInstall`, on first install and on update. */
  installMs: number;
}
