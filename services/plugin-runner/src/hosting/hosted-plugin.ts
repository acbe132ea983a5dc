import { randomUUID } from 'node:crypto';
import type { Installation, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { LogLevel } from '../isolate/protocol.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import type { IsolateFigures, LastCrash } from './isolate-record.ts';
import { KnownOffer } from './known-offer.ts';
import { PluginCalls } from './plugin-calls.ts';
import type { PluginIsolate } from './plugin-isolate.ts';
import { PluginIsolates } from './plugin-isolates.ts';
import { PluginUses } from './plugin-uses.ts';
import type { Stage } from './stage.ts';
import type { KnownSurface } from './surface-records.ts';

/** Hooks that run without an installer waiting: at start and on taking over (contract §4). */
const HOOK_LIMIT_MS = 30_000;

/** One plugin of one tenant in this runner: its isolates and the order of what happens to it. */
export class HostedPlugin {
  installation: Installation;
  /** Tells this stay of the plugin in this runner from earlier and later ones. */
  readonly stay = randomUUID();
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
  readonly #isolates: PluginIsolates;
  /** One thing at a time: hooks, starts and stops wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(installation: Installation, parts: HostedPluginParts) {
    this.installation = installation;
    this.#parts = parts;
    this.#isolates = new PluginIsolates(this, parts);
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

  get stage(): Stage {
    return this.#isolates.stage;
  }

  /** Its process as operators see it. */
  get isolate(): IsolateFigures {
    return this.#isolates.figures;
  }

  /** Whether its process runs or waits for a processor; undefined when nobody says. */
  get wantsProcessor(): boolean | undefined {
    return this.#isolates.current?.process?.figures?.wantsProcessor();
  }

  get lastCrash(): LastCrash | undefined {
    return this.#isolates.lastCrash;
  }

  /** Its process has failed, or is gone, and those who decide what comes of it have yet to hear of that. */
  get ending(): boolean {
    return this.#isolates.failing;
  }

  /** Whether its isolate runs what the installer says now: version and files. */
  get upToDate(): boolean {
    return this.#isolates.current?.fits(this.installation) ?? false;
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
      if (alone) await this.#isolates.close();
      // Enabled again before the installer's word of the disabling came: what its process left running must not run twice.
      if (hook === 'onEnable' && this.stage === 'loaded' && this.#isolates.wasEnabled) await this.#isolates.leave([]);
      if (!this.#isolates.current?.runs(this.installation)) await this.#isolates.open('asked');
      if (!alone && hook !== 'onLoad' && this.stage === 'code') await this.#isolates.hook('onLoad', {}, HOOK_LIMIT_MS);
      // What `onDisable` undoes, `onEnable` has done in the same process.
      if (slept && hook === 'onDisable') await this.#isolates.hook('onEnable', {}, HOOK_LIMIT_MS);
      const surface = await this.#isolates.hook(hook, options, limitMs);
      if (hook === 'onUnload' || hook === 'onUninstall') await this.#isolates.close();
      return surface;
    });
  }

  /** Starts the plugin if, when its turn has come, it still may run; resolves when `onEnable` is done. */
  ensureEnabled(mayRun: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (!mayRun() || (this.stage === 'enabled' && this.upToDate)) return;
      // A process that is about to be gone has failed: that is told in a moment, and not mended by another process.
      if (this.stage === 'enabled' && !this.#isolates.current?.alive) return;
      const began = performance.now();
      const slept = this.asleep;
      this.asleep = false;
      if (!this.upToDate) {
        // It goes on in another process: what it is doing now is finished first.
        await this.#finishUses();
        await this.#isolates.leave([]);
        await this.#isolates.open('unasked');
      }
      const unasked = { atStart: true, told: !slept };
      if (this.stage === 'code') await this.#isolates.hook('onLoad', {}, HOOK_LIMIT_MS, unasked);
      if (this.stage === 'loaded') await this.#isolates.hook('onEnable', {}, HOOK_LIMIT_MS, unasked);
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
      await this.#isolates.leave([], { told: false });
      this.#parts.fellAsleep(this);
      this.#parts.notes.fellAsleep();
    });
  }

  /** `onDisable` when enabled, `onUnload` when loaded, then the end of the process. Errors of the plugin do not stop it. */
  unload(): Promise<void> {
    return this.#inTurn(async () => {
      // A hand-over has waited for it, with all its neighbours.
      if (this.gone !== 'moved') await this.#finishUses();
      await this.#isolates.leave(
        this.stage === 'enabled' && this.installation.desired !== 'enabled' ? ['onDisable'] : [],
      );
      await this.#isolates.close();
    });
  }

  /** Ends the process now; whatever it was doing is lost to it. */
  async kill(): Promise<void> {
    this.gone = 'moved';
    await this.#isolates.close();
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
    if (installation.generation > known.generation) this.#isolates.current?.adoptSettings();
  }

  log(level: LogLevel, message: string, meta?: unknown): void {
    this.#parts.log(this.installation, level, message, meta);
  }

  #enabled(): PluginIsolate {
    const { stage, current } = this.#isolates;
    if (stage === 'enabled' && current && !this.leaving) return current;
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
}
