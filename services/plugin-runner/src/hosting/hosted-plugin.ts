import type { Installation, LifecycleHook, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type {
  EventCall,
  FilterAnswer,
  FilterCall,
  JobCall,
  LogLevel,
  MiddlewareAnswer,
  MiddlewareCall,
  WireError,
} from '../isolate/protocol.ts';
import type { HookError } from './hook-errors.ts';
import { hookFailure, loadFailure } from './hook-errors.ts';
import type { IsolateCrash } from './isolate-crash.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import { IsolateProcess } from './isolate-process.ts';
import type { KnownSurface } from './surface-records.ts';
import type { Stage } from './stage.ts';
import { stageAfter } from './stage.ts';

/** Loading code and reading a manifest; what takes longer does I/O at the top of its module. */
const SETUP_LIMIT_MS = 30_000;
/** Hooks that run without an installer waiting: at start and on taking over (contract §4). */
const HOOK_LIMIT_MS = 30_000;
/** Hooks of a plugin that leaves: a container platform gives a process 30 s to stop, and the next runner waits for this one. */
const LEAVING_HOOK_LIMIT_MS = 5_000;

/** One plugin of one tenant in this runner: its isolate and the order of what happens to it. */
export class HostedPlugin {
  installation: Installation;
  stage: Stage = 'none';
  surface: Surface | undefined;
  /** When the tenant enabled it, in seconds; by this machine's clock until the database has said. */
  enabledSince = Infinity;
  /** Moved: what it was doing counts on the next runner. Removed: it counts nowhere. */
  gone: 'moved' | 'removed' | undefined;
  readonly #parts: HostedPluginParts;
  #isolate: IsolateProcess | undefined;
  #digest: string | undefined;
  #socketPath: string | undefined;
  #cleanUp: (() => Promise<void>) | undefined;
  /** One thing at a time: hooks, starts and stops wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #duringHook: LifecycleHook | undefined;
  readonly #answering = new Set<Promise<void>>();

  constructor(installation: Installation, parts: HostedPluginParts) {
    this.installation = installation;
    this.#parts = parts;
  }

  get tenant(): string {
    return this.installation.tenant;
  }

  get pluginId(): string {
    return this.installation.pluginId;
  }

  get isolate(): Pick<IsolateProcess, 'state' | 'pid' | 'startedAt'> | undefined {
    return this.#isolate;
  }

  /** Runs one step of an operation as the installer asked; rejects with HOOK_FAILED or HOOK_TIMED_OUT and ends the isolate. */
  runHook({ installation, hook, options, limitMs }: RunHookRequest): Promise<Surface | undefined> {
    return this.#inTurn(async () => {
      this.adopt(installation);
      if (hook === 'onUnload' && this.stage === 'none') return undefined;
      const alone = hook === 'onInstall' || hook === 'onUninstall';
      if (alone) await this.#close();
      await this.#open();
      if (!alone && hook !== 'onLoad' && this.stage === 'code') await this.#hook('onLoad', {}, HOOK_LIMIT_MS);
      const surface = await this.#hook(hook, options, limitMs);
      if (hook === 'onUnload' || hook === 'onUninstall') await this.#close();
      return surface;
    });
  }

  /** Starts the plugin if, when its turn has come, it still may run; resolves when `onEnable` is done. */
  ensureEnabled(mayRun: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (!mayRun()) return;
      if (this.stage === 'enabled' && this.#digest === this.installation.package.digest) return;
      await this.#open();
      if (this.stage === 'code') await this.#hook('onLoad', {}, HOOK_LIMIT_MS);
      if (this.stage === 'loaded') await this.#hook('onEnable', {}, HOOK_LIMIT_MS);
    });
  }

  /** `onDisable` when enabled, `onUnload` when loaded, then the end of the process. Errors of the plugin do not stop it. */
  unload(): Promise<void> {
    return this.#inTurn(async () => {
      const hooks: LifecycleHook[] =
        this.stage === 'enabled' && this.installation.desired !== 'enabled' ? ['onDisable'] : [];
      if (this.stage === 'enabled' || this.stage === 'loaded') hooks.push('onUnload');
      for (const hook of hooks) {
        if (this.stage === 'none') break;
        // Its log says what failed; it leaves all the same.
        await this.#hook(hook, {}, LEAVING_HOOK_LIMIT_MS).catch(() => undefined);
      }
      await this.#close();
    });
  }

  /** Ends the process now; whatever it was doing is lost to it. */
  async kill(): Promise<void> {
    this.gone = 'moved';
    await this.#close();
  }

  /** What another runner has stored of it; what it says itself here counts more. */
  knowSurface({ surface, since }: KnownSurface): void {
    if (this.surface) return;
    this.surface = surface;
    this.enabledSince = since;
  }

  /** It is disabled: from now on nobody needs to ask it anything. */
  dropSurface(): void {
    if (!this.surface) return;
    this.surface = undefined;
    this.#parts.surfaceGone(this);
  }

  deliver(call: EventCall): Promise<{ errors: WireError[] }> {
    return this.#running().call('event', call, this.#parts.limits.handlerLimitMs);
  }

  runJob(call: JobCall, limitMs: number): Promise<'done' | 'no-handler'> {
    return this.#running().call('job', call, limitMs);
  }

  filter(call: FilterCall, limitMs: number): Promise<FilterAnswer> {
    return this.#running().call('filter', call, limitMs);
  }

  middleware(call: MiddlewareCall, limitMs: number): Promise<MiddlewareAnswer> {
    return this.#running().call('middleware', call, limitMs);
  }

  /** Where the isolate's HTTP answers; the plugin must be enabled. */
  socketPath(): string {
    if (this.stage !== 'enabled' || this.#socketPath === undefined) throw notEnabled(this.pluginId);
    return this.#socketPath;
  }

  /** Counts a request as under way until it is answered. */
  async untilAnswered(answered: Promise<void>): Promise<void> {
    this.#answering.add(answered);
    try {
      await answered;
    } finally {
      this.#answering.delete(answered);
    }
  }

  /** Resolves when every request that is under way now is answered. */
  async answeredAll(): Promise<void> {
    await Promise.allSettled(this.#answering);
  }

  /** Takes over what an admin has changed: version, grants, settings. The isolate's grants and settings follow at once. */
  adopt(installation: Installation): void {
    const known = this.installation;
    if (installation.generation < known.generation) return;
    this.installation = installation;
    if (installation.generation === known.generation || !this.#isolate?.alive) return;
    try {
      this.#isolate
        .call('settings', this.#settings(), SETUP_LIMIT_MS)
        .catch((error: unknown) => this.log('warn', 'The new settings could not be handed to the plugin', error));
    } catch (error) {
      this.log('error', 'The new settings cannot be read', error);
    }
  }

  log(level: LogLevel, message: string, meta?: unknown): void {
    this.#parts.log(this.installation, level, message, meta);
  }

  #running(): IsolateProcess {
    if (this.stage !== 'enabled' || !this.#isolate) throw notEnabled(this.pluginId);
    return this.#isolate;
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act, act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #open(): Promise<void> {
    const { installation } = this;
    this.#assertHere();
    if (this.#isolate?.alive && this.#digest === installation.package.digest) return;
    await this.#close();
    const { packages, bundle, limits } = this.#parts;
    const { folder, entry } = await packages.folderOf(installation.package);
    const own = await this.#parts.privateFolder();
    this.#cleanUp = () => own.remove();
    const isolate = await this.#spawned(() => {
      const { heapMb, hangLimitMs } = limits;
      return new IsolateProcess({
        ...{ bundle, packageFolder: folder, privateFolder: own.path, heapMb, hangLimitMs },
        capabilities: this.#parts.capabilities(this),
        log: (level, message, meta) => this.log(level, message, meta),
        surfaceChanged: (surface) => this.#surfaceChanged(surface),
        crashed: (isolate, crash) => this.#crashed(isolate, crash),
      });
    });
    const socketPath = `${own.path}/http.sock`;
    const { tenant, pluginId } = this;
    const { manifest } = installation;
    try {
      const surroundings = await this.#parts.surroundings(installation);
      const place = { folder, entry, socketPath, ...surroundings };
      const setup = { tenant, pluginId, manifest, ...this.#settings(), ...place };
      await isolate.call('setup', setup, SETUP_LIMIT_MS);
    } catch (error) {
      await this.#close();
      throw this.#told(loadFailure(pluginId, error));
    }
    isolate.watch();
    this.#digest = installation.package.digest;
    this.#socketPath = socketPath;
    this.stage = 'code';
  }

  /** A plugin that left while its files were fetched must not start a process that nobody would end. */
  async #spawned(spawn: () => IsolateProcess): Promise<IsolateProcess> {
    try {
      this.#assertHere();
      this.#isolate = spawn();
      return this.#isolate;
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  #assertHere(): void {
    if (this.gone === 'removed')
      throw new PlatformError('PLUGIN_NOT_INSTALLED', `${this.pluginId} is no longer installed`);
    if (this.gone) throw new PlatformError('NOT_THE_OWNER', `${this.pluginId} has moved to another runner; ask again`);
  }

  async #hook(hook: LifecycleHook, options: RunHookRequest['options'], limitMs: number): Promise<Surface> {
    const isolate = this.#isolate as IsolateProcess;
    this.#duringHook = hook;
    try {
      const surface = await isolate.hook({ hook, options }, limitMs);
      this.stage = stageAfter(hook, this.stage);
      if (hook === 'onLoad') this.#parts.lifecycle(this, 'loaded');
      if (hook === 'onUnload') this.#parts.lifecycle(this, 'unloaded');
      if (hook === 'onEnable') this.#surfaceChanged(surface);
      return surface;
    } catch (error) {
      await this.#close();
      this.#assertHere();
      throw this.#told(hookFailure(this.pluginId, hook, limitMs, error));
    } finally {
      this.#duringHook = undefined;
    }
  }

  /** Whoever reads the plugin's log reads what became of it. */
  #told(failure: HookError): HookError {
    this.log('error', failure.message, { stack: failure.pluginStack });
    return failure;
  }

  async #close(): Promise<void> {
    const isolate = this.#isolate;
    const cleanUp = this.#cleanUp;
    this.#isolate = undefined;
    this.#cleanUp = undefined;
    this.#digest = undefined;
    this.#socketPath = undefined;
    this.stage = 'none';
    if (isolate) this.#parts.isolateEnded(this);
    await isolate?.stop();
    await cleanUp?.();
  }

  #settings() {
    const { granted } = this.installation;
    return { granted, config: granted.includes('config:read') ? this.#parts.configOf(this.installation) : null };
  }

  #surfaceChanged(surface: Surface): void {
    // What a plugin offers counts while it is enabled, whatever its isolate says later.
    if (this.stage !== 'enabled') return;
    if (!this.surface) this.enabledSince = Date.now() / 1_000;
    this.surface = surface;
    this.#parts.surfaceChanged(this, surface);
  }

  #crashed(isolate: IsolateProcess, crash: IsolateCrash): void {
    if (this.#isolate !== isolate) return;
    const wasEnabled = this.stage === 'enabled';
    this.log('error', crash.message, { reason: crash.reason, stack: crash.stack });
    void this.#close().catch((error: unknown) => this.log('error', 'Cleaning up after a crash failed', error));
    // A crash inside a hook is that hook's failure, and whoever asked for the hook is told.
    if (!wasEnabled || this.#duringHook) return;
    const { pluginId, version, generation } = this.installation;
    this.#parts.failed(this, { pluginId, version, generation, ...crash });
  }
}

function notEnabled(pluginId: string): PlatformError {
  return new PlatformError('PLUGIN_NOT_ENABLED', `${pluginId} is not enabled`);
}
