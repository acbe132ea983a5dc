import { randomBytes } from 'node:crypto';
import type { Installation, Surface } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { IsolateAddress } from '../isolate/private-http.ts';
import type { HookCall } from '../isolate/protocol.ts';
import { loadFailure } from './hook-errors.ts';
import type { IsolateDoor } from './isolate-door.ts';
import type { IsolateCrash } from './isolate-crash.ts';
import type { HostedPluginParts, Surroundings } from './hosted-plugin-parts.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { PrivateFolder } from '../package/private-folders.ts';
import { IsolateProcess } from './isolate-process.ts';
import type { StartReason } from './start-slots.ts';

/** Loading code and reading a manifest; what takes longer does I/O at the top of its module. */
const SETUP_LIMIT_MS = 30_000;
/** Asking what keeps it awake must not take longer than a look at its own lists. */
const AWAKE_LIMIT_MS = 1_000;

export interface IsolateHearing {
  surfaceChanged(surface: Surface): void;
  /** Called once, and only when the process ended without being stopped. */
  crashed(isolate: PluginIsolate, crash: IsolateCrash): void;
}

/** One life of a plugin's process, with what belongs to it: a private folder, a socket, and what it was started from. */
export class PluginIsolate {
  readonly #plugin: HostedPlugin;
  readonly #parts: HostedPluginParts;
  readonly #hearing: IsolateHearing;
  readonly #installation: Installation;
  readonly #socketToken = randomBytes(32).toString('base64url');
  #process: IsolateProcess | undefined;
  #folder: PrivateFolder | undefined;
  #door: IsolateDoor | undefined;
  #servesHttp = false;
  #ending = false;

  constructor(plugin: HostedPlugin, parts: HostedPluginParts, hearing: IsolateHearing) {
    this.#plugin = plugin;
    this.#parts = parts;
    this.#hearing = hearing;
    this.#installation = plugin.installation;
  }

  get process(): IsolateProcess | undefined {
    return this.#process;
  }

  /** The process, when it can be asked something. */
  get running(): IsolateProcess {
    if (this.#process?.alive) return this.#process;
    throw new PlatformError('PLUGIN_CRASHED', `The process of ${this.#plugin.pluginId} has ended`);
  }

  get alive(): boolean {
    return this.#process?.alive ?? false;
  }

  /** Throws NOT_FOUND when the plugin has neither routes nor webhooks. */
  get door(): IsolateDoor {
    if (!this.#servesHttp) throw new PlatformError('NOT_FOUND', `${this.#plugin.pluginId} has no routes`);
    this.#door ??= this.#parts.openDoor(this.#address);
    return this.#door;
  }

  get #address(): IsolateAddress {
    return { socketPath: `${this.#folder?.path ?? ''}/http.sock`, socketToken: this.#socketToken };
  }

  /** Whether it runs this version. */
  runs({ package: { digest } }: Installation): boolean {
    return this.alive && this.#installation.package.digest === digest;
  }

  /**
   * Whether it runs this version, with the files it may reach now (those of a process are settled when it starts), and without
   * connections that it may not have any more (they end with a process only).
   */
  fits(installation: Installation): boolean {
    const losesOutbound = reachesOut(this.#installation) && !reachesOut(installation);
    return this.runs(installation) && filesOf(this.#installation) === filesOf(installation) && !losesOutbound;
  }

  /** Starts the process and loads the plugin's code; rejects with a HookError when that is the plugin's fault. */
  async start(reason: StartReason): Promise<void> {
    const installation = this.#installation;
    const { folder, entry } = await this.#parts.packages.folderOf(installation.package);
    const surroundings = await this.#parts.surroundings(this.#plugin);
    this.#folder = await this.#parts.privateFolder();
    await this.#parts.starts[reason].run(() => this.#load({ folder, entry, ...this.#address, ...surroundings }));
    // What an admin changed while it was loading came too early for it.
    if (this.#plugin.installation !== installation) this.adoptSettings();
  }

  async #load(place: Surroundings & IsolateAddress & { folder: string; entry: string | null }): Promise<void> {
    const { bundle, limits, readableFolders, memory, tools, notes } = this.#parts;
    const { manifest, granted } = this.#installation;
    const { pluginId, tenant } = this.#plugin;
    // A plugin that left while its files were fetched must not start a process that nobody would end.
    if (this.#ending) {
      await this.#folder?.remove();
      throw new PlatformError('PLUGIN_CRASHED', `The process of ${pluginId} was ended before it had started`);
    }
    // Whoever cannot open a secret must not blame the plugin for it.
    const settings = this.#settings();
    const began = performance.now();
    const isolate = new IsolateProcess({
      ...{ bundle, packageFolder: place.folder, readableFolders, memory, tools },
      ...{ heapMb: limits.heapMb, hangLimitMs: limits.hangLimitMs },
      ...{ granted, scratchFolder: place.scratchFolder },
      capabilities: this.#parts.capabilities(this.#plugin),
      log: (level, message, meta) => this.#plugin.log(level, message, meta),
      mask: (text) => this.#parts.mask(this.#plugin.installation, text),
      surfaceChanged: (surface) => this.#hearing.surfaceChanged(surface),
      crashed: (_process, crash) => this.#hearing.crashed(this, crash),
    });
    this.#process = isolate;
    if (isolate.pid !== undefined) this.#folder?.noteProcess(isolate.pid);
    isolate.watch();
    const setup = { tenant, pluginId, manifest, ...settings, ...place };
    try {
      const { servesHttp } = await isolate.call('setup', setup, SETUP_LIMIT_MS);
      this.#servesHttp = servesHttp;
    } catch (error) {
      // A machine that has no process to give has not met the plugin's code.
      if (isolate.pid === undefined)
        throw new PlatformError('UNAVAILABLE', `No process could be started for ${pluginId}`, { cause: error });
      throw loadFailure(pluginId, error);
    }
    isolate.loaded();
    notes.started((performance.now() - began) / 1_000);
  }

  hook(call: HookCall, limitMs: number): Promise<Surface> {
    if (!this.#process) throw new PlatformError('PLUGIN_CRASHED', 'The process has not started');
    if (call.hook === 'onUnload') this.#process.leaves();
    return this.#process.hook(call, limitMs);
  }

  /** What is granted and set now counts at once; a process that does not run is told when it starts. */
  adoptSettings(): void {
    if (!this.alive) return;
    try {
      this.running
        .call('settings', this.#settings(), SETUP_LIMIT_MS)
        .catch((error: unknown) => this.#plugin.log('warn', 'The new settings could not be handed over', error));
    } catch (error) {
      this.#plugin.log('error', 'The new settings cannot be read', error);
    }
  }

  /** What keeps the process from being stopped; empty when nothing would be missed. */
  async keptAwakeBy(): Promise<string[]> {
    const { running } = this;
    const own = await running.call('awake', null, AWAKE_LIMIT_MS);
    return running.asking ? [...own, 'a call of the platform'] : own;
  }

  /** Ends the process for good, and removes what it leaves. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#process?.stop();
    await this.#door?.close();
    await this.#folder?.remove();
  }

  #settings() {
    const { installation } = this.#plugin;
    const { granted } = installation;
    return { granted, config: granted.includes('config:read') ? this.#parts.configOf(installation) : null };
  }
}

function reachesOut({ granted }: Installation): boolean {
  return granted.includes('http:outbound');
}

function filesOf({ granted }: Installation): string {
  return granted
    .filter((permission) => permission.startsWith('filesystem:'))
    .sort()
    .join();
}
