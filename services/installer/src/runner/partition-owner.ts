import type { Broker } from '@verifywise/broker';
import {
  DeletePluginData,
  FindHolder,
  ForgetInstallation,
  partitionOf,
  PlatformError,
  RunHook,
  type RunHookRequest,
  type StepOutcome,
  type Work,
} from '@verifywise/contracts';
import { HookError } from '../installation/errors.ts';
import type { DataRemoval, HookCall, PluginRunner } from '../installation/hands.ts';

export interface RunnerPatience {
  /** How much longer than the hook's own limit to wait: a runner that was killed is replaced within it. */
  graceMs: number;
  /** How long to wait for an outcome before asking again; a step that was done answers from the runner's store. */
  repeatMs: number;
  /** How long deleting a plugin's data may take. */
  deleteMs: number;
}

/** After this the broker is asked again; it may just be restarting. */
const BROKER_PAUSE_MS = 500;
const SEND_DEADLINE_MS = 5_000;
const SERVED_DEADLINE_MS = 2_000;

/** What says nothing about the hook, only about the way there. */
const passing: ReadonlySet<string> = new Set([
  ...['TIMED_OUT', 'ASK_TIMED_OUT', 'PUBLISH_TIMED_OUT', 'BROKER_UNAVAILABLE', 'UNAVAILABLE', 'NO_RUNNER'],
  ...['STOPPING', 'NOT_THE_OWNER'],
]);

/** The runner that owns a tenant's partition, reached through the partition's work queue. */
export class PartitionOwner implements PluginRunner {
  readonly #broker: Broker;
  readonly #patience: RunnerPatience;
  readonly #partitions: number;

  constructor(broker: Broker, partitions: number, patience: RunnerPatience) {
    this.#broker = broker;
    this.#partitions = partitions;
    this.#patience = patience;
  }

  async runHook(call: HookCall, signal: AbortSignal): Promise<void> {
    const request: RunHookRequest = call;
    const patienceMs = call.limitMs + this.#patience.graceMs;
    const outcome = await this.#repeat(RunHook, call.installation.tenant, request, patienceMs, signal);
    if (outcome === undefined) throw await this.#noOutcome(call, patienceMs);
    if (outcome.kind === 'failed') throw new HookError(outcome.error);
  }

  /** Why nothing came back: nobody is there to run it, or the hook does not end. */
  async #noOutcome({ hook, installation: { tenant, pluginId } }: HookCall, patienceMs: number): Promise<PlatformError> {
    const seconds = patienceMs / 1_000;
    if (await this.#isServed(tenant)) {
      return new PlatformError('HOOK_TIMED_OUT', `${hook} of ${pluginId} gave no result within ${seconds} s`);
    }
    return new PlatformError(
      'NO_RUNNER',
      `No plugin-runner took ${hook} of ${pluginId} within ${seconds} s; see that one runs, then try again`,
    );
  }

  async #isServed(tenant: string): Promise<boolean> {
    try {
      const partition = partitionOf(tenant, this.#partitions);
      await this.#broker.ask(FindHolder, { tenant, payload: { partition } }, { deadlineMs: SERVED_DEADLINE_MS });
      return true;
    } catch {
      return false;
    }
  }

  async deleteData(tenant: string, about: DataRemoval, signal: AbortSignal): Promise<'done' | 'queued'> {
    const outcome = await this.#repeat(DeletePluginData, tenant, about, this.#patience.deleteMs, signal);
    if (outcome === undefined) return 'queued';
    if (outcome.kind === 'failed') throw new HookError(outcome.error);
    return 'done';
  }

  async forget(tenant: string, pluginId: string, generation: number, signal: AbortSignal): Promise<void> {
    const message = { tenant, payload: { pluginId, generation } };
    await this.#broker.send(ForgetInstallation, message, { deadlineMs: SEND_DEADLINE_MS, signal });
  }

  /** Sends the same step again until it is answered; undefined when that takes too long. */
  async #repeat<Payload>(
    work: Work<Payload, StepOutcome>,
    tenant: string,
    payload: Payload,
    patienceMs: number,
    signal: AbortSignal,
  ): Promise<StepOutcome | undefined> {
    const end = performance.now() + patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const left = end - performance.now();
      if (left <= 0) return undefined;
      const deadlineMs = Math.ceil(Math.min(left, this.#patience.repeatMs));
      try {
        return await this.#broker.sendAndWait(work, { tenant, payload }, { deadlineMs, signal });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PlatformError) || !passing.has(error.code)) throw error;
        if (error.code !== 'TIMED_OUT') await pause(Math.min(BROKER_PAUSE_MS, Math.max(0, end - performance.now())));
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
