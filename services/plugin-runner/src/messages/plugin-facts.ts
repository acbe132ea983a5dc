import { randomUUID } from 'node:crypto';
import type { Broker } from '@verifywise/broker';
import type { Fact, PluginFailure, PluginState } from '@verifywise/contracts';
import { PluginFailed, PluginLoaded, PluginUnloaded, SurfaceChanged } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';
import { keepTrying } from '../hosting/keep-trying.ts';
import { pause } from '../pause.ts';

const AGAIN_MS = 200;
const AGAIN_AT_MOST_MS = 5_000;

interface KeptMessage<P> {
  tenant: string;
  payload: P;
  id: string;
  time: Date;
}

/** Where a fact waits, on disk, until the broker has it. */
export type KeepFact = <P>(fact: Fact<P>, message: KeptMessage<P>) => Promise<void>;

/** What a runner tells of the plugins it hosts. */
export class PluginFacts {
  readonly #broker: Pick<Broker, 'publish'>;
  readonly #keep: KeepFact;
  readonly #log: Pick<Logger, 'warn' | 'error'>;
  readonly #refused: () => void;
  /** Lifecycle facts are kept one after the other: that a plugin was unloaded must not come before that it was loaded. */
  #kept: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(
    broker: Pick<Broker, 'publish'>,
    keep: KeepFact,
    log: Pick<Logger, 'warn' | 'error'>,
    refused: () => void,
  ) {
    this.#broker = broker;
    this.#keep = keep;
    this.#log = log;
    this.#refused = refused;
  }

  /**
   * Kept on disk first: it disables the plugin, and a runner that dies now must not forget it. Only what the installer makes of it
   * lets the plugin start again, so it is tried until it is kept.
   */
  failed(plugin: HostedPlugin, failure: PluginFailure): void {
    const message = { tenant: plugin.tenant, payload: failure, id: randomUUID(), time: new Date() };
    void keepTrying(plugin, 'The report of a failure', () => this.#keep(PluginFailed, message), {
      log: this.#log,
      refused: this.#refused,
    });
  }

  /** Whoever misses it asks for the surface again: it is in the database. */
  surfaceChanged({ tenant, pluginId, installation }: HostedPlugin): void {
    const payload = { pluginId, generation: installation.generation };
    this.#watch(this.#broker.publish(SurfaceChanged, { tenant, payload }), pluginId);
  }

  /** The lifecycle events `plugin:loaded` and `plugin:unloaded` (S:17.3), kept on disk until the broker has them; no start waits for it. */
  lifecycle({ tenant, pluginId, installation }: HostedPlugin, what: 'loaded' | 'unloaded'): void {
    const id = randomUUID();
    const time = new Date();
    const state: PluginState = what;
    const { version, generation } = installation;
    const payload = { pluginId, version, state, generation, tenant, eventId: id, timestamp: time.toISOString() };
    const fact = what === 'loaded' ? PluginLoaded : PluginUnloaded;
    this.#kept = this.#kept.then(() => this.#keepLifecycle(fact, { tenant, payload, id, time }));
  }

  /** Resolves when everything that was told is kept, or can be kept no more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#kept;
  }

  async #keepLifecycle<P extends { pluginId: string }>(fact: Fact<P>, message: KeptMessage<P>): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#keep(fact, message);
        return;
      } catch (error) {
        const { tenant, payload } = message;
        const about = { err: error, attempt, tenant, pluginId: payload.pluginId, fact: fact.name };
        this.#log.warn(about, 'A fact about the life of a plugin could not be kept');
        if (signal.aborted) return;
        await pause(Math.min(AGAIN_MS * attempt, AGAIN_AT_MOST_MS), signal);
      }
    }
  }

  #watch(told: Promise<void>, pluginId: string): void {
    told.catch((error: unknown) =>
      this.#log.warn({ err: error, pluginId }, 'A fact about the plugin could not be told'),
    );
  }
}
