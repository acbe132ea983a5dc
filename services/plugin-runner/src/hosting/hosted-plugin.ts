import type { Installation, LifecycleHook, PluginFailure, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { EventCall, JobCall, LogLevel } from '../isolate/protocol.ts';
import type { Capabilities, IsolateCrash } from './isolate-process.ts';
import { IsolateProcess, PluginCodeError } from './isolate-process.ts';
import type { PackageFolders } from './package-folders.ts';

/** Loading code and reading a manifest; what takes longer does I/O at the top of its module. */
const SETUP_LIMIT_MS = 30_000;
/** Hooks that run without an installer waiting: at start, on taking over, on draining (contract §4). */
const HOOK_LIMIT_MS = 30_000;

export interface IsolateLimits {
  heapMb: number;
  hangLimitMs: number;
  handlerLimitMs: number;
}

/** What a hosted plugin needs of the runner around it. */
export interface HostedPluginParts {
  bundle: string;
  limits: IsolateLimits;
  packages: PackageFolders;
  /** A fresh folder for one isolate, and its removal. */
  privateFolder(): Promise<{ path: string; remove(): Promise<void> }>;
  capabilities(plugin: HostedPlugin): Capabilities;
  /** The settings as the plugin reads them: stored values, opened secrets, defaults. */
  configOf(installation: Installation): Record<string, unknown>;
  log(installation: Installation, level: LogLevel, message: string, meta?: unknown): void;
  surfaceChanged(plugin: HostedPlugin, surface: Surface): void;
  /** The plugin offers nothing any more. */
  surfaceGone(plugin: HostedPlugin): void;
  lifecycle(plugin: HostedPlugin, what: 'loaded' | 'unloaded'): void;
  failed(plugin: HostedPlugin, failure: PluginFailure): void;
}

/** How far the plugin's life has come in its isolate. */
export type Stage = 'none' | 'code' | 'loaded' | 'enabled';

/** One plugin of one tenant in this runner: its isolate and the order of what happens to it. */
export class HostedPlugin {
  installation: Installation;
  stage: Stage = 'none';
  surface: Surface | undefined;
  /** True once the plugin has left this runner; what it was doing counts elsewhere. */
  gone = false;
  readonly #parts: HostedPluginParts;
  #isolate: IsolateProcess | undefined;
  #digest: string | undefined;
  #socketPath: string | undefined;
  #cleanUp: (() => Promise<void>) | undefined;
  /** One thing at a time: hooks, starts and stops wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #duringHook: LifecycleHook | undefined;

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

  /** Starts what the desired state asks for; resolves when `onEnable` is done. */
  ensureEnabled(): Promise<void> {
    return this.#inTurn(async () => {
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
        await this.#hook(hook, {}, HOOK_LIMIT_MS).catch((error: unknown) => this.log('error', `${hook} failed`, error));
      }
      await this.#close();
    });
  }

  /** Ends the process now; whatever it was doing is lost to it. */
  async kill(): Promise<void> {
    this.gone = true;
    await this.#close();
  }

  /** It is disabled: from now on nobody needs to ask it anything. */
  dropSurface(): void {
    if (!this.surface) return;
    this.surface = undefined;
    this.#parts.surfaceGone(this);
  }

  deliver(call: EventCall): Promise<{ errors: { message: string; stack?: string | undefined }[] }> {
    return this.#running().call('event', call, this.#parts.limits.handlerLimitMs);
  }

  runJob(call: JobCall, limitMs: number): Promise<'done' | 'no-handler'> {
    return this.#running().call('job', call, limitMs);
  }

  /** Where the isolate's HTTP answers; the plugin must be enabled. */
  socketPath(): string {
    if (this.stage !== 'enabled' || this.#socketPath === undefined) throw notEnabled(this.pluginId);
    return this.#socketPath;
  }

  /** Takes over what an admin has changed: version, grants, settings. The isolate's settings follow at once. */
  adopt(installation: Installation): void {
    if (installation.generation < this.installation.generation) return;
    this.installation = installation;
    if (this.#isolate?.state !== 'running') return;
    this.#isolate.call('config', this.#readableConfig(), SETUP_LIMIT_MS).catch((error: unknown) => {
      this.log('warn', 'The new settings could not be handed to the plugin', error);
    });
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
    if (this.#isolate?.state === 'running' && this.#digest === installation.package.digest) return;
    await this.#close();
    const { packages, bundle, limits } = this.#parts;
    const { folder, entry } = await packages.folderOf(installation.package);
    const own = await this.#parts.privateFolder();
    this.#cleanUp = () => own.remove();
    const isolate = new IsolateProcess({
      bundle,
      packageFolder: folder,
      privateFolder: own.path,
      heapMb: limits.heapMb,
      hangLimitMs: limits.hangLimitMs,
      capabilities: this.#parts.capabilities(this),
      log: (level, message, meta) => this.log(level, message, meta),
      surfaceChanged: (surface) => this.#keepSurface(surface),
      crashed: (crash) => this.#crashed(isolate, crash),
    });
    this.#isolate = isolate;
    const socketPath = `${own.path}/http.sock`;
    try {
      await isolate.call(
        'setup',
        {
          tenant: this.tenant,
          pluginId: this.pluginId,
          manifest: installation.manifest,
          granted: installation.granted,
          config: this.#readableConfig(),
          folder,
          entry,
          socketPath,
        },
        SETUP_LIMIT_MS,
      );
    } catch (error) {
      await this.#close();
      throw loadFailure(this.pluginId, error);
    }
    isolate.watch();
    this.#digest = installation.package.digest;
    this.#socketPath = socketPath;
    this.stage = 'code';
  }

  async #hook(hook: LifecycleHook, options: RunHookRequest['options'], limitMs: number): Promise<Surface> {
    const isolate = this.#isolate as IsolateProcess;
    this.#duringHook = hook;
    try {
      const surface = await isolate.call('hook', { hook, options }, limitMs);
      this.stage = stageAfter(hook, this.stage);
      if (hook === 'onLoad') this.#parts.lifecycle(this, 'loaded');
      if (hook === 'onUnload') this.#parts.lifecycle(this, 'unloaded');
      if (hook === 'onEnable') this.#keepSurface(surface);
      return surface;
    } catch (error) {
      await this.#close();
      throw hookFailure(this.pluginId, hook, limitMs, error);
    } finally {
      this.#duringHook = undefined;
    }
  }

  async #close(): Promise<void> {
    const isolate = this.#isolate;
    const cleanUp = this.#cleanUp;
    this.#isolate = undefined;
    this.#cleanUp = undefined;
    this.#digest = undefined;
    this.#socketPath = undefined;
    this.stage = 'none';
    await isolate?.stop();
    await cleanUp?.();
  }

  #readableConfig(): Record<string, unknown> | null {
    return this.installation.granted.includes('config:read') ? this.#parts.configOf(this.installation) : null;
  }

  #keepSurface(surface: Surface): void {
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

function stageAfter(hook: LifecycleHook, before: Stage): Stage {
  switch (hook) {
    case 'onLoad':
    case 'onDisable':
      return 'loaded';
    case 'onEnable':
      return 'enabled';
    case 'onUnload':
      return 'code';
    case 'onInstall':
    case 'onUninstall':
      return before;
  }
}

function notEnabled(pluginId: string): PlatformError {
  return new PlatformError('PLUGIN_NOT_ENABLED', `${pluginId} is not enabled`);
}

/** A hook failed; `pluginStack` is for the plugin's author, never for an HTTP client. */
export class HookError extends PlatformError {
  readonly hook: LifecycleHook | 'load';
  readonly pluginStack: string | undefined;
  constructor(
    code: 'HOOK_FAILED' | 'HOOK_TIMED_OUT' | 'PLUGIN_LOAD_FAILED',
    hook: LifecycleHook | 'load',
    message: string,
    cause: unknown,
  ) {
    super(code, message, { cause });
    this.hook = hook;
    this.pluginStack = cause instanceof PluginCodeError ? cause.pluginStack : undefined;
  }
}

function hookFailure(pluginId: string, hook: LifecycleHook, limitMs: number, error: unknown): HookError {
  if (error instanceof PlatformError && error.code === 'HANDLER_TIMED_OUT') {
    return new HookError(
      'HOOK_TIMED_OUT',
      hook,
      `${hook} of ${pluginId} did not finish within ${limitMs / 1000} s`,
      error,
    );
  }
  return new HookError('HOOK_FAILED', hook, `${hook} of ${pluginId} failed: ${(error as Error).message}`, error);
}

function loadFailure(pluginId: string, error: unknown): HookError {
  return new HookError(
    'PLUGIN_LOAD_FAILED',
    'load',
    `The code of ${pluginId} could not be loaded: ${(error as Error).message}`,
    error,
  );
}
