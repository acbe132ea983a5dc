import type { LifecycleHook, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { HookError, hookFailure } from './hook-errors.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import type { CrashReason, IsolateCrash } from './isolate-crash.ts';
import type { IsolateFigures, LastCrash } from './isolate-record.ts';
import { IsolateRecord } from './isolate-record.ts';
import { PluginIsolate } from './plugin-isolate.ts';
import type { Stage } from './stage.ts';
import { stageAfter } from './stage.ts';
import type { StartReason } from './start-slots.ts';

/** Hooks of a plugin that leaves: a container platform gives a process 30 s to stop, and the next runner waits for this one. */
const LEAVING_HOOK_LIMIT_MS = 5_000;

/** The isolates of one hosted plugin, one after the other: how far each has come in the plugin's life, and what became of it. */
export class PluginIsolates {
  /** How far the plugin has come in the isolate that runs now. */
  stage: Stage = 'none';
  /** That isolate has been through `onEnable`. */
  wasEnabled = false;
  readonly #plugin: HostedPlugin;
  readonly #parts: HostedPluginParts;
  readonly #record = new IsolateRecord();
  #current: PluginIsolate | undefined;
  #duringHook: LifecycleHook | undefined;

  constructor(plugin: HostedPlugin, parts: HostedPluginParts) {
    this.#plugin = plugin;
    this.#parts = parts;
  }

  /** The isolate that runs, or starts, now. */
  get current(): PluginIsolate | undefined {
    return this.#current;
  }

  get figures(): IsolateFigures {
    return this.#record.figures(this.#current?.process);
  }

  get lastCrash(): LastCrash | undefined {
    return this.#record.lastCrash;
  }

  /** That of an enabled plugin has failed, or is gone, and nobody has been told yet. */
  get failing(): boolean {
    return this.stage === 'enabled' && this.#current !== undefined && !this.#current.alive;
  }

  /** Starts another one, and loads the plugin's code in it. */
  async open(reason: StartReason): Promise<void> {
    this.#assertHere();
    await this.close();
    const isolate = new PluginIsolate(this.#plugin, this.#parts, {
      surfaceChanged: (surface) => this.#offers(surface),
      crashed: (crashed, crash) => this.#crashed(crashed, crash),
    });
    this.#current = isolate;
    try {
      await isolate.start(reason);
      this.stage = 'code';
    } catch (error) {
      await this.close();
      this.#assertHere();
      throw this.#told(error);
    }
  }

  /** Runs one hook; one that fails is the end of its isolate. */
  async hook(
    hook: LifecycleHook,
    options: RunHookRequest['options'],
    limitMs: number,
    { atStart = false, told = true } = {},
  ): Promise<Surface> {
    const { pluginId } = this.#plugin;
    this.#duringHook = hook;
    try {
      const surface = await (this.#current as PluginIsolate).hook({ hook, options, atStart }, limitMs);
      this.stage = stageAfter(hook, this.stage);
      this.wasEnabled ||= this.stage === 'enabled';
      if (told && hook === 'onLoad') this.#parts.lifecycle(this.#plugin, 'loaded');
      if (told && hook === 'onUnload') this.#parts.lifecycle(this.#plugin, 'unloaded');
      if (hook === 'onEnable') this.#offers(surface);
      return surface;
    } catch (error) {
      await this.close();
      this.#assertHere();
      throw this.#told(hookFailure(pluginId, hook, limitMs, error));
    } finally {
      this.#duringHook = undefined;
    }
  }

  /** The hooks of leaving, and the end of the isolate; a plugin that fails at them leaves all the same. */
  async leave(before: LifecycleHook[], { told = true } = {}): Promise<void> {
    const hooks: LifecycleHook[] = [...before];
    if (this.stage === 'enabled' || this.stage === 'loaded') hooks.push('onUnload');
    for (const hook of hooks) {
      if (this.stage === 'none') break;
      // Its log says what failed.
      await this.hook(hook, {}, LEAVING_HOOK_LIMIT_MS, { told }).catch(() => undefined);
    }
    await this.close();
  }

  /** Ends the isolate that runs; nothing of it is left in this runner. */
  async close(): Promise<void> {
    const plugin = this.#plugin;
    const isolate = this.#current;
    this.#current = undefined;
    this.stage = 'none';
    this.wasEnabled = false;
    if (isolate) {
      // A process that has ended by itself has failed at what it was doing.
      if (isolate.alive) plugin.uses.cutOff(`${plugin.pluginId} ${leftBecause(plugin)}`);
      this.#record.ends(isolate.process);
      this.#parts.isolateEnded(plugin);
      await isolate.end();
      this.#record.gone(isolate.process);
    }
    if (plugin.gone)
      await this.#parts.left(plugin).catch((error: unknown) => {
        // What it leaves on this machine's disk keeps nobody from hosting it elsewhere.
        plugin.log('error', 'Its files could not be removed', error);
      });
  }

  #assertHere(): void {
    const { gone, pluginId } = this.#plugin;
    if (gone === 'removed') throw new PlatformError('PLUGIN_NOT_INSTALLED', `${pluginId} is no longer installed`);
    if (gone) throw new PlatformError('NOT_THE_OWNER', `${pluginId} has moved to another runner; ask again`);
  }

  /** Whoever reads the plugin's log reads what became of it. */
  #told(error: unknown): unknown {
    if (!(error instanceof HookError)) return error;
    this.#plugin.log('error', error.message, { stack: error.pluginStack });
    if (error.reason === 'hook-timeout') this.#noteCrash('hook-timeout', error.message);
    return error;
  }

  #offers(surface: Surface): void {
    // What a plugin offers counts while it is enabled, whatever its isolate says later.
    if (this.stage !== 'enabled') return;
    const { offer, installation } = this.#plugin;
    if (offer.hear(surface, installation.version)) this.#parts.surfaceChanged(this.#plugin, surface);
  }

  #crashed(isolate: PluginIsolate, crash: IsolateCrash): void {
    const plugin = this.#plugin;
    this.#noteCrash(crash.reason, crash.message);
    if (this.#current !== isolate) return;
    const wasEnabled = this.stage === 'enabled';
    const during = this.#duringHook ?? plugin.uses.lastWords;
    plugin.log('error', crash.message, { reason: crash.reason, during, stack: crash.stack });
    void this.close().catch((error: unknown) => plugin.log('error', 'Cleaning up after a crash failed', error));
    // A crash inside a hook is that hook's failure, and whoever asked for the hook is told.
    if (!wasEnabled || this.#duringHook) return;
    const { pluginId, version, generation } = plugin.installation;
    this.#parts.failed(plugin, {
      pluginId,
      version,
      generation,
      ...(during === undefined ? {} : { during }),
      ...crash,
    });
  }

  #noteCrash(reason: CrashReason, message: string): void {
    this.#record.crashed(reason, message);
    this.#parts.notes.crashed(reason);
  }
}

function leftBecause({ gone, installation }: Pick<HostedPlugin, 'gone' | 'installation'>): string {
  if (gone) return gone === 'moved' ? 'moved to another runner' : 'was uninstalled';
  return installation.desired === 'enabled' ? 'was updated or started anew' : 'was disabled';
}
