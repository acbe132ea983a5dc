import { randomUUID } from 'node:crypto';
import type { Broker } from '@verifywise/broker';
import type { Fact, PluginFailure, PluginState } from '@verifywise/contracts';
import { PluginFailed, PluginLoaded, PluginUnloaded, SurfaceChanged } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';
import { keepTrying } from '../hosting/keep-trying.ts';

/** Where a fact waits, on disk, until the broker has it. */
export type KeepFact = <P>(
  fact: Fact<P>,
  message: { tenant: string; payload: P; id: string; time: Date },
) => Promise<void>;

/** What a runner tells of the plugins it hosts. */
export class PluginFacts {
  readonly #broker: Pick<Broker, 'publish'>;
  readonly #keep: KeepFact;
  readonly #log: Logger;
  readonly #refused: () => void;

  constructor(broker: Pick<Broker, 'publish'>, keep: KeepFact, log: Logger, refused: () => void) {
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

  /** The lifecycle events `plugin:loaded` and `plugin:unloaded` (S:17.3). */
  lifecycle({ tenant, pluginId, installation }: HostedPlugin, what: 'loaded' | 'unloaded'): void {
    const id = randomUUID();
    const time = new Date();
    const state: PluginState = what;
    const { version, generation } = installation;
    const payload = { pluginId, version, state, generation, tenant, eventId: id, timestamp: time.toISOString() };
    const fact = what === 'loaded' ? PluginLoaded : PluginUnloaded;
    this.#watch(this.#broker.publish(fact, { tenant, payload, id, time }), pluginId);
  }

  #watch(told: Promise<void>, pluginId: string): void {
    told.catch((error: unknown) =>
      this.#log.warn({ err: error, pluginId }, 'A fact about the plugin could not be told'),
    );
  }
}
