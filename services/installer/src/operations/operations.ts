import { errorFromAnswer, PlatformError } from '@verifywise/contracts';
import type { Log } from '../log.ts';
import type { Lease, NewOperation, OperationStore } from './operation-store.ts';
import type { Operation, OperationKind, Saga } from './operation.ts';
import { LeaseLostError } from './lease-lost.ts';
import { runSaga } from './run-saga.ts';

export interface OperationTimes {
  /** How long an operation stays ours without renewal: after a kill, another replica goes on this much later. */
  leaseMs: number;
  /** How often to look for operations whose holder has gone. */
  sweepMs: number;
  /** What has finished is forgotten after so many days. */
  keptDays: number;
}

/** Of one tenant, however young. */
const MOST_KEPT = 10_000;
const FORGET_EVERY_MS = 10 * 60_000;

/** How many abandoned operations one sweep takes, so that replicas share them. */
const CLAIM_AT_ONCE = 10;
/** A watcher of an operation that another replica runs looks into the database this often. */
const LOOK_AGAIN_MS = 250;

/** Longer than the slowest sum of hook limits, so that only a lost child is given up. */
const CHILD_LIMIT_MS = 600_000;

interface Needs {
  store: OperationStore;
  sagas: () => Record<OperationKind, Saga>;
  times: OperationTimes;
  log: Log;
}

/** Starts operations, goes on with those a killed replica has left, and lets others wait for their end. */
export class Operations {
  readonly #needs: Needs;
  readonly #stopping = new AbortController();
  readonly #leaving = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  /** Who waits for a change, by the operation. */
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #sweeper: NodeJS.Timeout;
  #sweeping: Promise<void> = Promise.resolve();
  #forgotAt = -Infinity;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#sweeper = setInterval(() => {
      this.#sweeping = this.#sweep();
    }, needs.times.sweepMs);
  }

  /** Stores the operation and begins it; BUSY when the plugin has one already. */
  async start(wanted: NewOperation): Promise<Operation> {
    if (this.#stopping.signal.aborted) throw new PlatformError('STOPPING', 'This installer is stopping; ask again');
    const { store, times } = this.#needs;
    const { tenant, requestKey } = wanted;
    // Its first sender's installer may have died: whoever goes on with the operation, it is not begun a second time.
    const begun = requestKey === undefined ? null : await store.findByRequest(tenant, requestKey);
    if (begun !== null) return begun;
    const { operation, lease } = await store.create(wanted, times.leaseMs);
    this.#run(operation, lease);
    return operation;
  }

  find(tenant: string, id: string): Promise<Operation | null> {
    return this.#needs.store.find(tenant, id);
  }

  /** The operation once it has finished, or as it stands when the time is over or the signal says so. */
  async wait(tenant: string, id: string, limitMs: number, signal?: AbortSignal): Promise<Operation> {
    const leaving = this.#leaving.signal;
    return await this.#ended(tenant, id, limitMs, signal === undefined ? leaving : AbortSignal.any([signal, leaving]));
  }

  async #ended(tenant: string, id: string, limitMs: number, signal: AbortSignal): Promise<Operation> {
    const end = performance.now() + limitMs;
    for (;;) {
      const operation = await this.#needs.store.find(tenant, id);
      if (operation === null) throw new PlatformError('OPERATION_NOT_FOUND', `There is no operation ${id}`);
      const left = end - performance.now();
      if (isFinished(operation) || left <= 0 || signal.aborted) {
        return operation;
      }
      await this.#change(id, Math.min(left, LOOK_AGAIN_MS));
    }
  }

  /** Every stand of the operation from now to its end. */
  async *watch(tenant: string, id: string, limitMs: number, signal: AbortSignal): AsyncGenerator<Operation> {
    const end = performance.now() + limitMs;
    let seen = '';
    while (!signal.aborted && !this.#leaving.signal.aborted && performance.now() < end) {
      const operation = await this.#needs.store.find(tenant, id);
      if (operation === null) return;
      const stand = JSON.stringify([operation.status, operation.steps]);
      if (stand !== seen) yield operation;
      seen = stand;
      if (isFinished(operation)) return;
      await this.#change(id, LOOK_AGAIN_MS);
    }
  }

  /** Runs an operation inside another one and answers its end; after a crash the same child is found again. */
  async runChild(parent: Operation, wanted: Omit<NewOperation, 'tenant' | 'actor' | 'parentId'>, signal: AbortSignal) {
    const { store } = this.#needs;
    const { tenant, actor, id: parentId } = parent;
    const child =
      (await store.findChild(parentId, wanted.pluginId, wanted.kind)) ??
      (await this.start({ ...wanted, tenant, actor, parentId }));
    const ended = await this.#ended(tenant, child.id, CHILD_LIMIT_MS, signal);
    signal.throwIfAborted();
    if (ended.status === 'succeeded') return ended;
    const reason = ended.error ?? { code: 'TIMED_OUT' as const, message: `It took longer than ${CHILD_LIMIT_MS} ms` };
    throw new PlatformError('DEPENDENCY_FAILED', `${wanted.kind} of ${wanted.pluginId} failed: ${reason.message}`, {
      details: { pluginId: wanted.pluginId, operationId: child.id, code: reason.code },
      cause: errorFromAnswer(reason),
    });
  }

  /** Whoever waits gets the operation as it stands, so that their requests are answered before this installer is gone. */
  stopWaiting(): void {
    this.#leaving.abort();
    for (const id of this.#watchers.keys()) this.#notify(id);
  }

  /** Lets go of what is running, at whatever step it is; another replica, or the next start, goes on from there. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.stopWaiting();
    this.#stopping.abort(new PlatformError('STOPPING', 'This installer is stopping'));
    await this.#sweeping;
    await Promise.all(this.#running.values());
  }

  #run(operation: Operation, lease: Lease): void {
    const run = this.#runLeased(operation, lease).finally(() => {
      this.#running.delete(operation.id);
      this.#notify(operation.id);
    });
    this.#running.set(operation.id, run);
  }

  async #runLeased(operation: Operation, lease: Lease): Promise<void> {
    const { store, sagas, times, log } = this.#needs;
    const about = { operationId: operation.id, tenant: operation.tenant, pluginId: operation.pluginId };
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    const renewal = setInterval(() => {
      store.renew(lease, times.leaseMs).catch((error: unknown) => {
        if (error instanceof LeaseLostError) lost.abort(error);
        else log.warn({ ...about, err: error }, 'The lease of an operation could not be renewed');
      });
    }, times.leaseMs / 3);
    try {
      const changed = () => this.#notify(operation.id);
      const ended = await runSaga({ store, log, changed }, sagas()[operation.kind], operation, lease, signal);
      log.info({ ...about, status: ended.status }, `${operation.kind} of ${operation.pluginId} ${ended.status}`);
    } catch (error) {
      // Its lease ends by itself, and whoever claims it goes on at the step where it stands.
      if (!signal.aborted) log.error({ ...about, err: error }, 'An operation was interrupted and will be resumed');
      await store.release(lease).catch(() => undefined);
    } finally {
      clearInterval(renewal);
    }
  }

  async #sweep(): Promise<void> {
    const { store, times, log } = this.#needs;
    try {
      const ours = [...this.#running.keys()];
      for (const { operation, lease } of await store.claimAbandoned(times.leaseMs, CLAIM_AT_ONCE, ours)) {
        log.warn({ operationId: operation.id, tenant: operation.tenant }, 'Going on with an abandoned operation');
        this.#run(operation, lease);
      }
      await this.#forget();
    } catch (error) {
      log.warn({ err: error }, 'Abandoned operations could not be looked for');
    }
  }

  async #forget(): Promise<void> {
    if (performance.now() - this.#forgotAt < FORGET_EVERY_MS) return;
    const { store, times, log } = this.#needs;
    const forgotten = await store.forgetFinished(times.keptDays, MOST_KEPT);
    // As long as there is something left to forget, the next sweep goes on.
    if (forgotten === 0) this.#forgotAt = performance.now();
    else log.info({ forgotten }, 'Old operations were removed');
  }

  #notify(id: string): void {
    for (const wake of this.#watchers.get(id) ?? []) wake();
  }

  async #change(id: string, limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => resolve(undefined);
    const timer = setTimeout(wake, limitMs);
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(wake));
    await promise;
    clearTimeout(timer);
    watchers.delete(wake);
    if (watchers.size === 0) this.#watchers.delete(id);
  }
}

function isFinished(operation: Operation): boolean {
  return operation.status === 'succeeded' || operation.status === 'failed';
}
