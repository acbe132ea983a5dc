import { setTimeout as pause } from 'node:timers/promises';
import { errorAnswer, PlatformError } from '@verifywise/contracts';
import { isDatabaseAway } from '@verifywise/service-kit';
import type { Log } from '../log.ts';
import type { Lease, OperationStore, StepError } from './operation-store.ts';
import type { Operation, Saga, Step, StepRecord } from './operation.ts';
import { LeaseLostError } from './lease-lost.ts';

/** An undo that fails is tried again: a broker that restarts must not leave half an installation behind. */
const UNDO_ATTEMPTS = 3;
const UNDO_PAUSE_MS = 1_000;

interface Needs {
  store: OperationStore;
  log: Log;
  /** Called after every change a watcher may want to see. */
  changed: (operation: Operation) => void;
}

/** Walks an operation from wherever it stands to its end: every step done, or everything undone. */
export async function runSaga(
  needs: Needs,
  saga: Saga,
  begun: Operation,
  lease: Lease,
  signal: AbortSignal,
): Promise<Operation> {
  let operation = begun;
  if (operation.status === 'running') operation = await goForward(needs, saga, operation, lease, signal);
  if (operation.status === 'undoing') await goBack(needs, saga, operation, lease, signal);
  const ended = await needs.store.finish(lease, operation.status === 'undoing' ? 'failed' : 'succeeded');
  needs.changed(ended);
  return ended;
}

async function goForward(
  { store, log, changed }: Needs,
  saga: Saga,
  begun: Operation,
  lease: Lease,
  signal: AbortSignal,
): Promise<Operation> {
  let operation = begun;
  for (const step of saga) {
    if (recordOf(operation, step)?.status === 'done') continue;
    if (step.applies !== undefined && !step.applies(operation)) continue;
    await store.beginStep(lease, step.name);
    changed(operation);
    try {
      const done = await step.run({ operation, stepId: stepIdOf(operation, step), signal });
      operation = await store.completeStep(lease, step.name, done, 'done');
    } catch (error) {
      if (isAbandoned(error, signal)) throw error;
      logFailure(log, operation, step, error);
      return await store.failStep(lease, step.name, stepError(error));
    }
    changed(operation);
  }
  return operation;
}

async function goBack(needs: Needs, saga: Saga, begun: Operation, lease: Lease, signal: AbortSignal): Promise<void> {
  const reason = begun.error ?? { code: 'INTERNAL' as const, message: 'The operation failed for an unknown reason' };
  let operation = begun;
  for (const step of [...saga].reverse()) {
    const record = recordOf(operation, step);
    if (record === undefined || record.status === 'undone' || record.status === 'undo-failed') continue;
    if (step.final === true && record.status === 'done') return;
    const undo = step.undo?.bind(step);
    if (undo === undefined) continue;
    operation = await undoStep(needs, operation, step, lease, signal, () =>
      undo({ operation, stepId: `${stepIdOf(operation, step)}:undo`, signal }, reason),
    );
    needs.changed(operation);
  }
}

async function undoStep(
  { store, log }: Needs,
  operation: Operation,
  step: Step,
  lease: Lease,
  signal: AbortSignal,
  undo: () => ReturnType<NonNullable<Step['undo']>>,
): Promise<Operation> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.completeStep(lease, step.name, await undo(), 'undone');
    } catch (error) {
      if (isAbandoned(error, signal)) throw error;
      logFailure(log, operation, step, error);
      if (attempt < UNDO_ATTEMPTS) {
        await pause(UNDO_PAUSE_MS, undefined, { signal });
        continue;
      }
      await store.failUndo(lease, step.name, stepError(error));
      return operation;
    }
  }
}

/** Nothing is known against the step: whoever goes on with the operation tries it again. */
function isAbandoned(error: unknown, signal: AbortSignal): boolean {
  return error instanceof LeaseLostError || signal.aborted || isDatabaseAway(error);
}

function recordOf(operation: Operation, step: Step): StepRecord | undefined {
  return operation.steps.find((record) => record.name === step.name);
}

function stepIdOf(operation: Operation, step: Step): string {
  return `${operation.id}:${step.name}`;
}

/** What of an error is kept; a plugin's own stack came by wire in the details of a HOOK_FAILED. */
function stepError(error: unknown): StepError {
  const answer = errorAnswer(error);
  const stack = stackOf(error);
  return stack === undefined ? answer : { ...answer, stack };
}

function stackOf(error: unknown): string | undefined {
  if (error instanceof PlatformError && 'pluginStack' in error && typeof error.pluginStack === 'string') {
    return error.pluginStack;
  }
  return undefined;
}

function logFailure(log: Log, operation: Operation, step: Step, error: unknown): void {
  const { id, tenant, pluginId, kind } = operation;
  const about = { operationId: id, tenant, pluginId, operation: kind, step: step.name, err: error };
  if (error instanceof PlatformError) log.warn(about, `Step ${step.name} failed: ${error.message}`);
  else log.error(about, `Step ${step.name} failed unexpectedly`);
}
