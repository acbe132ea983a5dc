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
  /** Tells a request from others, when its sender wants it done once whatever happens. */
  requestKey?: string | undefined;
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
  /** The operation of this request, unless it failed: then the request may be tried anew. Known for a day. */
  findByRequest(tenant: string, requestKey: string): Promise<Operation | null>;
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
  /** Removes some of what has finished so long ago, or is more than a tenant's newest `most`; answers how many. */
  forgetFinished(keptDays: number, most: number): Promise<number>;
}

export type StepError = ErrorAnswer & { stack?: string };
