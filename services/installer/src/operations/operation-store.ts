import type { ErrorAnswer } from '@verifywise/contracts';
import type { Actor } from '../installation/transaction.ts';
import type { OperationInput } from '../installation/progress.ts';
import type { Operation, OperationKind, StepDone } from './operation.ts';

export interface NewOperation {
  tenant: string;
  pluginId: string;
  kind: OperationKind;
  input: OperationInput;
  actor: Actor;
  parentId?: string;
}

/** Proof that an operation is ours to run: every write names it, and a lease that was lost makes the write fail. */
export interface Lease {
  operationId: string;
  token: string;
}

/** Operations as they are kept. Whoever holds the lease of an operation may write it. */
export interface OperationStore {
  /** BUSY when the plugin has an operation that has not finished. */
  create(wanted: NewOperation, leaseMs: number): Promise<{ operation: Operation; lease: Lease }>;
  find(tenant: string, id: string): Promise<Operation | null>;
  findChild(parentId: string, pluginId: string, kind: OperationKind): Promise<Operation | null>;
  findActive(tenant: string, pluginId: string): Promise<Operation | null>;
  /** Unfinished operations whose holder has gone, now ours; those we are running ourselves are not abandoned, only late. */
  claimAbandoned(leaseMs: number, limit: number, except: string[]): Promise<{ operation: Operation; lease: Lease }[]>;
  renew(lease: Lease, leaseMs: number): Promise<void>;
  /** Lets another replica go on at once. */
  release(lease: Lease): Promise<void>;

  beginStep(lease: Lease, name: string): Promise<void>;
  /** Marks the step, stores its progress and runs its commit, all in one transaction; answers the operation as it is then. */
  completeStep(lease: Lease, name: string, done: StepDone, as: 'done' | 'undone'): Promise<Operation>;
  failStep(lease: Lease, name: string, error: StepError): Promise<Operation>;
  failUndo(lease: Lease, name: string, error: StepError): Promise<void>;
  /** The audit log tells of every end that no step has told of. */
  finish(lease: Lease, status: 'succeeded' | 'failed'): Promise<Operation>;
}

export type StepError = ErrorAnswer & { stack?: string };
