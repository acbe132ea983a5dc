import { randomUUID } from 'node:crypto';
import type { Installation, LifecycleHook, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { LogLevel } from '../isolate/protocol.ts';
import { HookError, hookFailure } from './hook-errors.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import type { CrashReason, IsolateCrash } from './isolate-crash.ts';
import type { IsolateFigures, LastCrash } from './isolate-record.ts';
import { IsolateRecord } from './isolate-record.ts';
import { KnownOffer } from './known-offer.ts';
import { PluginCalls } from './plugin-calls.ts';
import { PluginIsolate } from './plugin-isolate.ts';
import { PluginUses } from './plugin-uses.ts';
import type { Stage } from './stage.ts';
import { stageAfter } from './stage.ts';
import type { StartReason } from './start-slots.ts';
import type { KnownSurface } from './surface-records.ts';

/** Hooks that run without an installer waiting: at start and on taking over (contract §4). */
const HOOK_LIMIT_MS = 30_000;
/** Hooks of a plugin that leaves: a container platform gives a process 30 s to stop, and the next runner waits for this one. */
const LEAVING_HOOK_LIMIT_MS = 5_000;

/** One plugin of one tenant in this runner: its isolate and the order of what happens to it. */
export class HostedPlugin {
  installation: Installation;
  /** Tells this stay of the plugin in this runner from earlier and later ones. */
  readonly stay = randomUUID();
  stage: Stage = 'none';
  readonly offer = new KnownOffer();
  /** Moved: what it was doing counts on the next runner. Removed: it counts nowhere. */
  gone: 'moved' | 'removed' | undefined;
  /** Enabled, and begins nothing more because its hooks of leaving are next. */
  leaving = false;
  /** Enabled, without a process because there was nothing to do. */
  asleep = false;
  /** What of its own kept its process from being stopped, when it was last asked. */
  awakeFor: string[] = [];
  readonly uses = new PluginUses();
  readonly calls: PluginCalls;
  readonly #parts: HostedPluginParts;
  #isolate: PluginIsolate | undefined;
  readonly #record = new IsolateRecord();
  /** One thing at a time: hooks, starts and stops wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #duringHook: LifecycleHook | undefined;
  /** Its process has been through `onEnable`. */
  #wasEnabled = false;

  constructor(installation: Installation, parts: HostedPluginParts) {
    this.installation = installation;
    this.#parts = parts;
    const { handlerLimitMs } = parts.limits;
    this.calls = new PluginCalls({ enabled: () => this.#enabled(), uses: this.uses, handlerLimitMs });
  }

  get tenant(): string {
    return this.installation.tenant;
  }

  get pluginId(): string {
    return this.installation.pluginId;
  }

  get surface(): Surface | undefined {
    return this.offer.surface;
  }

  /** Its process as operators see it. */
  get isolate(): IsolateFigures {
    return this.#record.figures(this.#isolate?.process);
  }

  /** Whether its process runs or waits for a processor; undefined when nobody says. */
  get wantsProcessor(): boolean | undefined {
    return this.#isolate?.process?.figures?.wantsProcessor();
  }

  get lastCrash(): LastCrash | undefined {
    return this.#record.lastCrash;
  }

  /** Its process has failed, or is gone, and those who decide what comes of it have yet to hear of that. */
  get ending(): boolean {
    return this.stage === 'enabled' && this.#isolate !== undefined && !this.#isolate.alive;
  }

  /** Whether its isolate runs what the installer says now: version and files. */
  get upToDate(): boolean {
    return this.#isolate?.fits(this.installation) ?? false;
  }

  /** Runs one step of an operation as the installer asked; rejects with a HookError and ends the isolate. */
  runHook({ installation, hook, options, limitMs }: RunHookRequest): Promise<Surface | undefined> {
    return this.#inTurn(async () => {
      this.adopt(installation);
      const slept = this.asleep;
      this.asleep = false;
      if (hook === 'onUnload' && this.stage === 'none') return undefined;
      const alone = hook === 'onInstall' || hook === 'onUninstall';
      if (alone || hook === 'onDisable' || hook === 'onUnload') await this.#finishUses();
      if (alone) await this.#close();
      // Enabled again before the installer's word of the disabling came: what its process left running must not run twice.
      if (hook === 'onEnable' && this.stage === 'loaded' && this.#wasEnabled) await this.#leave([]);
      if (!this.#isolate?.runs(this.installation)) await this.#open('asked');
      if (!alone && hook !== 'onLoad' && this.stage === 'code') await this.#hook('onLoad', {}, HOOK_LIMIT_MS);
      // What `onDisable` undoes, `onEnable` has done in the same process.
      if (slept && hook === 'onDisable') await this.#hook('onEnable', {}, HOOK_LIMIT_MS);
      const surface = await this.#hook(hook, options, limitMs);
      if (hook === 'onUnload' || hook === 'onUninstall') await this.#close();
      return surface;
    });
  }

  /** Starts the plugin if, when its turn has come, it still may run; resolves when `onEnable` is done. */
  ensureEnabled(mayRun: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (!mayRun() || (this.stage === 'enabled' && this.upToDate)) return;
      // A process that is about to be gone has failed: that is told in a moment, and not mended by another process.
      if (this.stage === 'enabled' && !this.#isolate?.alive) return;
      const began = performance.now();
      const slept = this.asleep;
      this.asleep = false;
      if (!this.upToDate) {
        // It goes on in another process: what it is doing now is finished first.
        await this.#finishUses();
        await this.#leave([]);
        await this.#open('unasked');
      }
      const unasked = { atStart: true, told: !slept };
      if (this.stage === 'code') await this.#hook('onLoad', {}, HOOK_LIMIT_MS, unasked);
      if (this.stage === 'loaded') await this.#hook('onEnable', {}, HOOK_LIMIT_MS, unasked);
      if (!slept) return;
      this.#parts.woke(this);
      this.#parts.notes.woken((performance.now() - began) / 1_000);
    });
  }

  /** `onUnload` and the end of the process, without anything being told: it is enabled as before, and wakes when it is needed. */
  fallAsleep(): Promise<void> {
    this.asleep = true;
    return this.#inTurn(async () => {
      if (!this.asleep || this.stage !== 'enabled') return;
      await this.#leave([], { told: false });
      this.#parts.fellAsleep(this);
      this.#parts.notes.fellAsleep();
    });
  }

  /** `onDisable` when enabled, `onUnload` when loaded, then the end of the process. Errors of the plugin do not stop it. */
  unload(): Promise<void> {
    return this.#inTurn(async () => {
      // A hand-over has waited for it, with all its neighbours.
      if (this.gone !== 'moved') await this.#finishUses();
      await this.#leave(this.stage === 'enabled' && this.installation.desired !== 'enabled' ? ['onDisable'] : []);
      await this.#close();
    });
  }

  /** Ends the process now; whatever it was doing is lost to it. */
  async kill(): Promise<void> {
    this.gone = 'moved';
    await this.#close();
  }

  /** What another runner has stored of it; what it says itself here counts more. */
  knowSurface(known: KnownSurface): void {
    // Another version may offer something else, and has to be started once to say so.
    if (this.offer.remember(known)) this.asleep = known.asleep && known.version === this.installation.version;
  }

  /** It is disabled: from now on nobody needs to ask it anything. */
  dropSurface(): void {
    this.asleep = false;
    if (this.offer.drop()) this.#parts.surfaceGone(this);
  }

  /** What keeps its process from being stopped; empty when nothing would be missed. */
  keptAwakeBy(): Promise<string[]> {
    return this.#enabled().keptAwakeBy();
  }

  /** Takes over what an admin has changed: version, grants, settings. The isolate's grants and settings follow at once. */
  adopt(installation: Installation): void {
    const known = this.installation;
    if (installation.generation < known.generation) return;
    this.installation = installation;
    if (installation.generation > known.generation) this.#isolate?.adoptSettings();
  }

  log(level: LogLevel, message: string, meta?: unknown): void {
    this.#parts.log(this.installation, level, message, meta);
  }

  #enabled(): PluginIsolate {
    if (this.stage === 'enabled' && this.#isolate && !this.leaving) return this.#isolate;
    throw new PlatformError('PLUGIN_NOT_ENABLED', `${this.pluginId} is not enabled`);
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act).finally(() => (this.leaving = false));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** What it does for somebody is done before it leaves; what it does not finish in time is cut off. */
  async #finishUses(): Promise<void> {
    if (this.stage !== 'enabled') return;
    this.leaving = true;
    await this.uses.settledInTime();
  }

  async #open(reason: StartReason): Promise<void> {
    this.#assertHere();
    await this.#close();
    const isolate = new PluginIsolate(this, this.#parts, {
      surfaceChanged: (surface) => this.#offers(surface),
      crashed: (crashed, crash) => this.#crashed(crashed, crash),
    });
    this.#isolate = isolate;
    try {
      await isolate.start(reason);
      this.stage = 'code';
    } catch (error) {
      await this.#close();
      this.#assertHere();
      throw this.#told(error);
    }
  }

  #assertHere(): void {
    if (this.gone === 'removed')
      throw new PlatformError('PLUGIN_NOT_INSTALLED', `${this.pluginId} is no longer installed`);
    if (this.gone) throw new PlatformError('NOT_THE_OWNER', `${this.pluginId} has moved to another runner; ask again`);
  }

  async #hook(
    hook: LifecycleHook,
    options: RunHookRequest['options'],
    limitMs: number,
    { atStart = false, told = true } = {},
  ): Promise<Surface> {
    this.#duringHook = hook;
    try {
      const surface = await (this.#isolate as PluginIsolate).hook({ hook, options, atStart }, limitMs);
      this.stage = stageAfter(hook, this.stage);
      this.#wasEnabled ||= this.stage === 'enabled';
      if (told && hook === 'onLoad') this.#parts.lifecycle(this, 'loaded');
      if (told && hook === 'onUnload') this.#parts.lifecycle(this, 'unloaded');
      if (hook === 'onEnable') this.#offers(surface);
      return surface;
    } catch (error) {
      await this.#close();
      this.#assertHere();
      throw this.#told(hookFailure(this.pluginId, hook, limitMs, error));
    } finally {
      this.#duringHook = undefined;
    }
  }

  /** The hooks of leaving, and the end of the process; a plugin that fails at them leaves all the same. */
  async #leave(before: LifecycleHook[], { told = true } = {}): Promise<void> {
    const hooks: LifecycleHook[] = [...before];
    if (this.stage === 'enabled' || this.stage === 'loaded') hooks.push('onUnload');
    for (const hook of hooks) {
      if (this.stage === 'none') break;
      // Its log says what failed.
      await this.#hook(hook, {}, LEAVING_HOOK_LIMIT_MS, { told }).catch(() => undefined);
    }
    await this.#close();
  }

  /** Whoever reads the plugin's log reads what became of it. */
  #told(error: unknown): unknown {
    if (!(error instanceof HookError)) return error;
    this.log('error', error.message, { stack: error.pluginStack });
    if (error.reason === 'hook-timeout') this.#noteCrash('hook-timeout', error.message);
    return error;
  }

  async #close(): Promise<void> {
    const isolate = this.#isolate;
    this.#isolate = undefined;
    this.stage = 'none';
    this.#wasEnabled = false;
    if (isolate) {
      // A process that has ended by itself has failed at what it was doing.
      if (isolate.alive) this.uses.cutOff(`${this.pluginId} ${this.#leftBecause}`);
      this.#record.ends(isolate.process);
      this.#parts.isolateEnded(this);
      await isolate.end();
      this.#record.gone(isolate.process);
    }
    if (this.gone)
      await this.#parts.left(this).catch((error: unknown) => {
        // What it leaves on this machine's disk keeps nobody from hosting it elsewhere.
        this.log('error', 'Its files could not be removed', error);
      });
  }

  get #leftBecause(): string {
    if (this.gone) return this.gone === 'moved' ? 'moved to another runner' : 'was uninstalled';
    return this.installation.desired === 'enabled' ? 'was updated or started anew' : 'was disabled';
  }

  #offers(surface: Surface): void {
    // What a plugin offers counts while it is enabled, whatever its isolate says later.
    if (this.stage !== 'enabled') return;
    if (this.offer.hear(surface, this.installation.version)) this.#parts.surfaceChanged(this, surface);
  }

  #crashed(isolate: PluginIsolate, crash: IsolateCrash): void {
    this.#noteCrash(crash.reason, crash.message);
    if (this.#isolate !== isolate) return;
    const wasEnabled = this.stage === 'enabled';
    const during = this.#duringHook ?? this.uses.lastWords;
    this.log('error', crash.message, { reason: crash.reason, during, stack: crash.stack });
    void this.#close().catch((error: unknown) => this.log('error', 'Cleaning up after a crash failed', error));
    // A crash inside a hook is that hook's failure, and whoever asked for the hook is told.
    if (!wasEnabled || this.#duringHook) return;
    const { pluginId, version, generation } = this.installation;
    this.#parts.failed(this, { pluginId, version, generation, ...(during === undefined ? {} : { during }), ...crash });
  }

  #noteCrash(reason: CrashReason, message: string): void {
    this.#record.crashed(reason, message);
    this.#parts.notes.crashed(reason);
  }
}
