import type { ErrorAnswer } from '@verifywise/contracts';
import type { Actor, Transaction } from '../installation/transaction.ts';
import type { OperationInput, Progress } from '../installation/progress.ts';

export const operationKinds = ['install', 'enable', 'disable', 'update', 'rollback', 'uninstall'] as const;
export type OperationKind = (typeof operationKinds)[number];

export type OperationStatus = 'running' | 'undoing' | 'succeeded' | 'failed';
export type StepStatus = 'running' | 'done' | 'failed' | 'undone' | 'undo-failed';

export interface StepRecord {
  name: string;
  status: StepStatus;
  attempt: number;
  outcome: unknown;
  error: (ErrorAnswer & { stack?: string }) | null;
  startedAt: Date;
  finishedAt: Date | null;
}

/** One long change to one plugin of one tenant: a stored list of named steps. */
export interface Operation {
  id: string;
  tenant: string;
  pluginId: string;
  kind: OperationKind;
  input: OperationInput;
  /** What the steps so far have found out; everything a resumed operation needs. */
  progress: Progress;
  status: OperationStatus;
  error: (ErrorAnswer & { stack?: string }) | null;
  actor: Actor;
  /** The operation that started this one, for dependencies and dependents. */
  parentId: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  steps: StepRecord[];
}

export interface StepRun {
  operation: Operation;
  /** The same for every attempt at this step, so that whoever it is sent to can tell a repetition. */
  stepId: string;
  signal: AbortSignal;
}

export interface StepDone {
  progress?: Partial<Progress>;
  /** Runs in the transaction that marks the step done: both happen, or neither. */
  commit?: (transaction: Transaction) => Promise<Partial<Progress> | undefined>;
  outcome?: unknown;
  /** What the operation's error says from here on, asked after `commit`: an undo knows what has become of what it undid. */
  error?: () => ErrorAnswer & { stack?: string };
}

/** One named step. `run` and `undo` may be repeated after a crash and must then come to the same end. */
export interface Step {
  name: string;
  applies?(operation: Operation): boolean;
  run(run: StepRun): Promise<StepDone>;
  undo?(run: StepRun, reason: ErrorAnswer & { stack?: string }): Promise<StepDone>;
  /** Once done, what came before it is never undone. */
  final?: boolean;
}

export type Saga = readonly Step[];
