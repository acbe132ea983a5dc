import type { Installation, PluginFailure, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { pause } from '../pause.ts';
import type { Logger } from '@verifywise/service-kit';
import { EventDelivery } from './event-delivery.ts';
import { subjectOf } from './event-subject.ts';
import type { FailedDeliveries } from './failed-deliveries.ts';
import type { FairTurns } from './fair-turns.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import { HostedPlugin } from './hosted-plugin.ts';
import type { LaneEvent } from './lane-event.ts';
import { LaneStore } from './lane-store.ts';
import { Lane } from './lane.ts';
import type { ParkedEvents, Tenure } from './parked-events.ts';
import { EventOutcomes } from './plugin-condition.ts';
import { startFailureOf } from './start-failure.ts';
import type { TrackedDelivery } from './tracked-delivery.ts';

/** What a lost connection brings again comes at once when it is back. */
const REDELIVERED_WITHIN_MS = 60_000;
/** Whoever installs a plugin mostly enables it next; until then its process waits, for so long. */
const INSTALLED_STAYS_LOADED_MS = 60_000;
/** A plugin that needs longer to start does not hold up those that depend on it. */
const DEPENDENCY_WITHIN_MS = 5_000;
/** Most updates take a second or two. */
const RETRY_AFTER_UPDATE_S = 2;

export interface HostedParts {
  plugin: HostedPluginParts;
  failedDeliveries: FailedDeliveries;
  parked: ParkedEvents;
  /** The starts that are under way of those that a plugin depends on. */
  startsBefore: (installation: Installation) => Promise<void>[];
  /** Of all the event handlers of this runner. */
  turns: FairTurns;
  /** Under which this runner holds the partition of a tenant. */
  tenure: (tenant: string) => Tenure;
  log: Logger;
}

/**
 * A hosted plugin with the events that wait for it, and the order in which the installer's word counts: the steps of an operation
 * carry newer generations than the state it began with, and the state it settles in is at least as new as its last step.
 */
export class Hosted {
  readonly plugin: HostedPlugin;
  readonly lane: Lane;
  readonly #parts: HostedParts;
  readonly outcomes = new EventOutcomes();
  readonly #events: EventDelivery;
  /** Of the last step of an operation that ran here. */
  #stepGeneration = -1;
  /** Of the last state the installer settled on. */
  #settledGeneration = -1;
  /** What failed here; only a newer one, an admin's decision, starts it again. */
  #failedGeneration = -1;
  /** Refused here for want of a permission, at a start. */
  #refusedGeneration = -1;
  #steps = 0;
  /** The plugin was enabled before the update under way: its events wait for the version that will be. */
  #updating = false;
  #starting: Promise<void> | undefined;
  #unloading: NodeJS.Timeout | undefined;
  /** Why it could not be started the last time, when that was not its fault. */
  #toldOfStart: string | undefined;

  constructor(installation: Installation, parts: HostedParts) {
    this.#parts = parts;
    this.plugin = new HostedPlugin(installation, {
      ...parts.plugin,
      failed: (_plugin, failure) => this.#failed(failure),
    });
    const { failedDeliveries: failures, parked, turns, log } = parts;
    const keepRetry = (event: LaneEvent) => this.lane.keepRetry(event);
    const { outcomes } = this;
    this.#events = new EventDelivery(this.plugin, { failures, keepRetry, turns, outcomes, log });
    const store = new LaneStore(this.plugin, {
      parked,
      tenure: () => parts.tenure(installation.tenant),
      log,
      refused: () => failures.refused(),
    });
    this.lane = new Lane(
      {
        handle: (event, interrupted) => this.#events.deliver(event, interrupted),
        subjectOf: (event) => subjectOf(event, this.plugin.surface?.orderedBy),
      },
      store,
    );
  }

  /** True while the plugin is between two versions, and was enabled before. */
  get updating(): boolean {
    return this.#updating;
  }

  /** Why an enabled plugin does not run, in words; undefined when nothing is known against it. */
  get hindrance(): string | undefined {
    const { installation } = this.plugin;
    if (this.#steps > 0 || this.#updating) return 'an operation of its admin is under way';
    if (installation.desired !== 'enabled') return undefined;
    if (installation.generation <= this.#refusedGeneration) return 'a permission that it needs to start is not granted';
    if (installation.generation <= this.#failedGeneration)
      return 'it has failed, and waits for what the installer says';
    return this.#toldOfStart && `it could not be started: ${this.#toldOfStart}`;
  }

  listensTo(event: string): boolean {
    const { installation, surface } = this.plugin;
    if (!installation.granted.includes('events:listen')) return false;
    if (surface) return surface.events.includes(event);
    // Nobody knows what it would have listened to, and it does not run.
    if (installation.generation <= this.#refusedGeneration) return false;
    // Without a surface yet the plugin is being started for the first time here; its lane finds out.
    return installation.desired === 'enabled' || this.#updating;
  }

  /** Gives it an event; one that sleeps wakes up for it. */
  push(tracked: TrackedDelivery): void {
    this.lane.push(tracked);
    if (this.plugin.asleep && this.mayRun) void this.start().catch(() => undefined);
  }

  /** The plugin, running; waits for its start when it sleeps or is being started. */
  async enabled(): Promise<HostedPlugin> {
    const { plugin } = this;
    if (this.#updating)
      throw new PlatformError('UNAVAILABLE', `${plugin.pluginId} is being updated; ask again`, {
        details: { retryAfterSeconds: RETRY_AFTER_UPDATE_S },
      });
    if (!this.#ready && this.mayRun) await this.start();
    if (!this.#ready) throw new PlatformError('PLUGIN_NOT_ENABLED', `${plugin.pluginId} is not enabled`);
    // From here on it is needed: it must not fall asleep before its caller has asked it.
    plugin.uses.touch();
    return plugin;
  }

  /** Stops its process when nothing has come for `idleMs` and nothing of its own waits for anything. */
  async sleepIfIdle(idleMs: number): Promise<void> {
    if (!this.#isIdle(idleMs)) return;
    const waiting = await this.plugin.keptAwakeBy().catch((error: unknown) => [(error as Error).message]);
    this.plugin.awakeFor = waiting;
    // What came while it was asked counts; what comes from here on finds it asleep, and wakes it.
    if (waiting.length > 0 || !this.#isIdle(idleMs)) return;
    void this.lane.pause();
    if (idleMs >= REDELIVERED_WITHIN_MS) this.lane.forgetFinished();
    await this.plugin.fallAsleep();
  }

  /** Makes the plugin what the installer says it should be, unless an operation under way here knows better. */
  apply(installation: Installation): void {
    const { generation } = installation;
    this.plugin.adopt(installation);
    if (generation < this.#stepGeneration || generation < this.#settledGeneration) return;
    if (isInTransition(installation)) {
      if (isUpdateOfEnabled(installation)) this.#updating = true;
      return;
    }
    this.#settledGeneration = generation;
    this.#updating = false;
    if (this.#steps === 0) this.#converge();
  }

  /** Runs one step of an operation; events wait while it runs and flow again when it leaves the plugin enabled. */
  async runHook(request: RunHookRequest): Promise<Surface | undefined> {
    const { installation, hook } = request;
    const { generation } = installation;
    if (generation < this.#settledGeneration || generation < this.#stepGeneration) {
      throw new PlatformError('CONFLICT', `${hook} belongs to an operation that has ended; nothing was done`);
    }
    if (isUpdateOfEnabled(installation)) this.#updating = true;
    this.#stepGeneration = generation;
    this.#steps += 1;
    clearTimeout(this.#unloading);
    this.#unloading = undefined;
    try {
      await this.lane.pause();
      return await this.plugin.runHook(request);
    } catch (error) {
      this.#failedGeneration = Math.max(this.#failedGeneration, generation);
      throw error;
    } finally {
      this.#steps -= 1;
      if (this.#steps === 0) this.#afterSteps();
    }
  }

  /** Enabled, in a process that runs what it should. */
  get #ready(): boolean {
    const { stage, asleep, leaving } = this.plugin;
    return stage === 'enabled' && !asleep && !leaving && !this.#starting;
  }

  #isIdle(idleMs: number): boolean {
    const settled = this.#ready && this.mayRun && this.#steps === 0 && !this.plugin.gone;
    return settled && this.lane.empty && this.plugin.uses.idleMs >= idleMs;
  }

  /** Whether the installer wants it to run, and it has not failed since the installer said so. */
  get mayRun(): boolean {
    const { installation } = this.plugin;
    if (this.#updating || installation.desired !== 'enabled' || isInTransition(installation)) return false;
    return installation.generation > this.#failedGeneration;
  }

  /** Its start, while it is under way. */
  get starting(): Promise<void> | undefined {
    return this.#starting;
  }

  /** Starts it if it may run; all who wait for it wait for the same start. */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** A plugin that is not enabled hears nothing: what waited for it is done with. */
  skip(): void {
    this.plugin.dropSurface();
    void this.lane.pause();
    this.#inBackground(
      this.lane.drop((event) => this.#events.giveUp(event)),
      'emptied',
    );
  }

  /** It leaves this runner; what waited for it is still waiting, elsewhere. */
  leave(): void {
    this.plugin.gone = 'moved';
    clearTimeout(this.#unloading);
    // What waits for its next attempt waits for it elsewhere.
    void this.lane.pause();
    this.lane.leave();
  }

  #converge(): void {
    if (this.plugin.installation.desired === 'enabled') {
      const sleepsOn = this.plugin.asleep && this.lane.empty;
      if (this.mayRun && !sleepsOn) void this.start().catch(() => undefined);
    } else {
      this.skip();
      this.#unloadSoon();
    }
  }

  /** What a plugin has left behind (timers, servers) ends with its process, when it is not enabled any more or not yet. */
  #unloadSoon(): void {
    if (this.plugin.stage === 'none') return;
    const unload = () => {
      this.#unloading = undefined;
      if (this.#steps > 0 || this.plugin.installation.desired === 'enabled' || this.plugin.gone) return;
      this.#inBackground(this.plugin.unload(), 'stopped');
    };
    if (this.plugin.installation.state === 'installed')
      this.#unloading ??= setTimeout(unload, INSTALLED_STAYS_LOADED_MS).unref();
    else unload();
  }

  #afterSteps(): void {
    if (this.plugin.gone) return;
    if (this.#settledGeneration > this.#stepGeneration) this.#converge();
    else if (this.plugin.stage === 'enabled') {
      this.#updating = false;
      if (this.mayRun && !this.plugin.upToDate) this.#converge();
      else this.lane.resume();
    } else if (!this.#updating) this.skip();
  }

  async #start(): Promise<void> {
    // Looked up at once: whoever begins later waits for this one, and never the other way round.
    const before = this.#parts.startsBefore(this.plugin.installation);
    try {
      if (before.length > 0) await Promise.race([Promise.allSettled(before), pause(DEPENDENCY_WITHIN_MS)]);
      // Events wait while it moves to another process, because its files or its version have changed.
      if (this.plugin.stage === 'enabled' && !this.plugin.upToDate) await this.lane.pause();
      await this.plugin.ensureEnabled(() => this.mayRun);
    } catch (error) {
      this.#startFailed(error);
      throw error;
    }
    this.#toldOfStart = undefined;
    if (this.#steps > 0) return;
    // The admin may have changed their mind while it started.
    if (this.plugin.installation.desired !== 'enabled') this.#converge();
    else if (this.plugin.stage === 'enabled') this.lane.resume();
  }

  #startFailed(error: unknown): void {
    const { tenant, pluginId, installation, gone } = this.plugin;
    if (gone) return;
    const failed = startFailureOf(installation, error);
    if (failed.fault === 'plugin') this.#failed(failed.failure);
    else if (failed.fault === 'permission') {
      // It stays enabled, the events it is known to hear fail one by one, and what an admin grants starts it again.
      this.#failedGeneration = Math.max(this.#failedGeneration, installation.generation);
      this.#refusedGeneration = this.#failedGeneration;
      if (this.plugin.surface) this.lane.resume();
      else this.skip();
    } else {
      this.#parts.log.error({ tenant, pluginId, err: error }, 'The plugin could not be started; trying again');
      // Its admin can read why it does not run, once.
      if (failed.message !== this.#toldOfStart)
        this.plugin.log('error', `The platform could not start the plugin, and tries again: ${failed.message}`);
      this.#toldOfStart = failed.message;
    }
  }

  /** The installer decides what comes of it; until then its events wait. */
  #failed(failure: PluginFailure): void {
    this.#failedGeneration = Math.max(this.#failedGeneration, failure.generation);
    void this.lane.pause();
    this.#parts.plugin.failed(this.plugin, failure);
  }

  #inBackground(doing: Promise<void>, what: string): void {
    const { tenant, pluginId } = this.plugin;
    doing.catch((error: unknown) =>
      this.#parts.log.error({ tenant, pluginId, err: error }, `The plugin could not be ${what} in order`),
    );
  }
}

function isInTransition({ state }: Installation): boolean {
  return state === 'installing' || state === 'updating' || state === 'uninstalling';
}

/** What the installer says of every step that leads an enabled plugin from one version to another. */
function isUpdateOfEnabled({ state, desired }: Installation): boolean {
  return state === 'updating' && desired === 'enabled';
}
