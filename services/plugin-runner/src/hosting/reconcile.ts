import type { Broker } from '@verifywise/broker';
import type { Installation, InstallationCursor } from '@verifywise/contracts';
import { ListInstallations } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import { pause } from '../pause.ts';
import { inLoadOrder } from './load-order.ts';

/** A lost message leaves nobody wrong for longer than this (architecture §4). */
const EVERY_MS = 10_000;
const PAGE = 200;

/** The runners' projection of installations. */
export interface InstallationRecords {
  ofPartition(partition: number): Promise<Installation[]>;
  /** An older generation never replaces a newer one. */
  save(installation: Installation): Promise<void>;
  /** True when there was something to remove. */
  remove(tenant: string, pluginId: string, upToGeneration: number): Promise<boolean>;
  isEnabled(tenant: string, pluginId: string): Promise<boolean>;
}

export interface ReconcilerParts {
  broker: Pick<Broker, 'ask'>;
  records: InstallationRecords;
  log: Logger;
  /** The partitions this runner holds now. */
  held(): number[];
  apply(installation: Installation): void;
  forget(tenant: string, pluginId: string, upToGeneration: number): Promise<void>;
}

/** Compares the held partitions with the installer's truth, again and again, and makes them equal. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#keepReconciling();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async reconcile(): Promise<void> {
    const { records } = this.#parts;
    const partitions = this.#parts.held();
    if (partitions.length === 0) return;
    const before = (await Promise.all(partitions.map((partition) => records.ofPartition(partition)))).flat();
    const truth = new Map<string, Installation>();
    let after: InstallationCursor | undefined;
    do {
      const page = await this.#ask(partitions, after);
      for (const installation of page.installations) truth.set(keyOf(installation), installation);
      after = page.next;
    } while (after);
    const known = new Map(before.map((installation) => [keyOf(installation), installation]));
    for (const installation of inLoadOrder([...truth.values()])) {
      if (!isSame(known.get(keyOf(installation)), installation)) await records.save(installation);
      this.#parts.apply(installation);
    }
    for (const { tenant, pluginId, generation } of before) {
      if (truth.has(keyOf({ tenant, pluginId }))) continue;
      // Only what was known before asking: what was installed meanwhile is newer than the answer.
      if (await records.remove(tenant, pluginId, generation)) await this.#parts.forget(tenant, pluginId, generation);
    }
  }

  #ask(partitions: number[], after: InstallationCursor | undefined) {
    const payload = { partitions, limit: PAGE, ...(after ? { after } : {}) };
    return this.#parts.broker.ask(ListInstallations, { tenant: null, payload });
  }

  async #keepReconciling(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.reconcile();
        this.#failing = false;
      } catch (error) {
        if (!this.#failing)
          this.#parts.log.warn({ err: error }, 'Could not compare installations with the installer; trying again');
        this.#failing = true;
      }
      await pause(EVERY_MS, this.#stop.signal);
    }
  }
}

/** An operation under way changes the state without a new generation. */
function isSame(known: Installation | undefined, { generation, state }: Installation): boolean {
  return known?.generation === generation && known.state === state;
}

function keyOf({ tenant, pluginId }: { tenant: string; pluginId: string }): string {
  return `${tenant}/${pluginId}`;
}
