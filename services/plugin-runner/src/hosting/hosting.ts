import type { Delivery } from '@verifywise/broker';
import type { Installation, PluginFailure } from '@verifywise/contracts';
import { PlatformError, partitionOf } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { FailedDeliveries } from './failed-deliveries.ts';
import type { HostedPluginParts } from './hosted-plugin.ts';
import { HookError, HostedPlugin } from './hosted-plugin.ts';
import { Lane } from './lane.ts';
import { deliverToPlugin } from './event-delivery.ts';
import { TrackedDelivery } from './tracked-delivery.ts';

/** How many isolates start at the same time after a take-over: enough to fill the cores, few enough to leave some for the rest. */
const STARTS_AT_ONCE = 4;

export interface HostingParts {
  partitions: number;
  plugin: HostedPluginParts;
  failedDeliveries: FailedDeliveries;
  log: Logger;
  /** The surface as any runner last stored it, for routing events to a plugin whose isolate has yet to start. */
  surfacesOf(partition: number): Promise<Map<string, NonNullable<HostedPlugin['surface']>>>;
}

interface Hosted {
  plugin: HostedPlugin;
  lane: Lane;
  /** Generation of the last step an operation ran here; an installation as old as that changes nothing any more. */
  stepGeneration: number;
  /** Generation that failed here; only a newer one, an admin's decision, starts it again. */
  failedGeneration: number;
}

/** Every plugin of the tenants whose partitions this runner holds. */
export class Hosting {
  readonly #parts: HostingParts;
  readonly #tenants = new Map<string, Map<string, Hosted>>();
  readonly #starting: (() => void)[] = [];
  readonly #finishing = new Map<number, number>();
  #starts = 0;
  #sequence = 0;

  constructor(parts: HostingParts) {
    this.#parts = parts;
  }

  /** Hosts what the projection says of a partition; isolates start in the background, events wait for them in their lanes. */
  async takeOver(partition: number, installations: Installation[]): Promise<void> {
    this.#finishing.delete(partition);
    const surfaces = await this.#parts.surfacesOf(partition);
    for (const installation of installations) {
      const hosted = this.#host(installation);
      hosted.plugin.surface ??= surfaces.get(`${installation.tenant}/${installation.pluginId}`);
      this.apply(installation);
    }
  }

  /** Makes the plugin what the installer says it should be, unless an operation step that ran here knows better. */
  apply(installation: Installation): void {
    const hosted = this.#host(installation);
    hosted.plugin.adopt(installation);
    if (installation.generation <= hosted.stepGeneration || inTransition(installation)) return;
    if (installation.desired === 'enabled') {
      if (installation.generation > hosted.failedGeneration) this.#enable(hosted);
      return;
    }
    if (hosted.plugin.stage !== 'none') void this.#stop(hosted);
    else this.#skip(hosted);
  }

  /** The tenant no longer has the plugin. */
  async forget(tenant: string, pluginId: string): Promise<void> {
    const plugins = this.#tenants.get(tenant);
    const hosted = plugins?.get(pluginId);
    if (!hosted) return;
    plugins?.delete(pluginId);
    if (plugins?.size === 0) this.#tenants.delete(tenant);
    this.#skip(hosted);
    await hosted.plugin.unload();
  }

  /** Runs one step of an operation; events wait while it runs and flow again when it leaves the plugin enabled. */
  async runHook(request: Parameters<HostedPlugin['runHook']>[0]): ReturnType<HostedPlugin['runHook']> {
    const hosted = this.#host(request.installation);
    hosted.stepGeneration = Math.max(hosted.stepGeneration, request.installation.generation);
    await hosted.lane.pause();
    try {
      return await hosted.plugin.runHook(request);
    } finally {
      if (hosted.plugin.stage === 'enabled') hosted.lane.resume();
      // During an update of an enabled plugin its events wait for the new version.
      else if (hosted.plugin.installation.state !== 'updating') this.#skip(hosted);
    }
  }

  /** Gives an event to every plugin of its tenant that listens; acknowledged when all are done, at once when none does. */
  deliver(event: string, tenant: string, delivery: Delivery): void {
    if (this.#finishing.has(partitionOf(tenant, this.#parts.partitions))) return;
    const lanes = [...(this.#tenants.get(tenant)?.values() ?? [])].filter(({ plugin }) => listens(plugin, event));
    if (lanes.length === 0) {
      delivery.ack();
      return;
    }
    const tracked = new TrackedDelivery(delivery, this.#sequence++, lanes.length);
    for (const { lane } of lanes) lane.push(tracked);
  }

  /** The plugin, when it is enabled and running here; while it is being started, waits for it. */
  async enabledPlugin(tenant: string, pluginId: string): Promise<HostedPlugin> {
    const hosted = this.#tenants.get(tenant)?.get(pluginId);
    if (!hosted) throw new PlatformError('PLUGIN_NOT_INSTALLED', `${pluginId} is not installed`);
    const { plugin } = hosted;
    if (plugin.stage !== 'enabled') {
      const failed = plugin.installation.generation <= hosted.failedGeneration;
      if (failed || plugin.installation.desired !== 'enabled' || inTransition(plugin.installation)) {
        throw new PlatformError('PLUGIN_NOT_ENABLED', `${pluginId} is not enabled`);
      }
      await this.#start(hosted);
    }
    return plugin;
  }

  find(tenant: string, pluginId: string): HostedPlugin | undefined {
    return this.#tenants.get(tenant)?.get(pluginId)?.plugin;
  }

  list(): { plugin: HostedPlugin; waiting: number }[] {
    return [...this.#tenants.values()].flatMap((plugins) =>
      [...plugins.values()].map(({ plugin, lane }) => ({ plugin, waiting: lane.length })),
    );
  }

  forgetUndelivered(partition: number): void {
    for (const { lane } of this.#inPartition(partition)) lane.empty();
  }

  /** Finishes every event that any plugin has begun, and those before it, so that none is delivered twice after a hand-over. */
  async finish(partition: number): Promise<void> {
    const hosted = this.#inPartition(partition);
    this.#finishing.set(partition, Date.now());
    const begun = Math.max(-1, ...hosted.map(({ lane }) => lane.lastBegun));
    await Promise.all(hosted.map(({ lane }) => lane.finishUntil(begun)));
  }

  async release(partition: number, how: 'gracefully' | 'at-once'): Promise<void> {
    const leaving = this.#inPartition(partition);
    for (const { plugin, lane } of leaving) {
      plugin.gone = true;
      lane.empty();
      const plugins = this.#tenants.get(plugin.tenant);
      plugins?.delete(plugin.pluginId);
      if (plugins?.size === 0) this.#tenants.delete(plugin.tenant);
    }
    await Promise.all(leaving.map(({ plugin }) => (how === 'gracefully' ? plugin.unload() : plugin.kill())));
  }

  #inPartition(partition: number): Hosted[] {
    const found: Hosted[] = [];
    for (const [tenant, plugins] of this.#tenants) {
      if (partitionOf(tenant, this.#parts.partitions) === partition) found.push(...plugins.values());
    }
    return found;
  }

  #host(installation: Installation): Hosted {
    const { tenant, pluginId } = installation;
    const plugins = this.#tenants.get(tenant) ?? new Map<string, Hosted>();
    this.#tenants.set(tenant, plugins);
    const known = plugins.get(pluginId);
    if (known) return known;
    const plugin = new HostedPlugin(installation, {
      ...this.#parts.plugin,
      failed: (failing, failure) => this.#failed(failing, failure),
    });
    const lane = new Lane((tracked) =>
      deliverToPlugin(plugin, tracked.delivery, this.#parts.failedDeliveries, this.#parts.log),
    );
    const hosted: Hosted = { plugin, lane, stepGeneration: -1, failedGeneration: -1 };
    plugins.set(pluginId, hosted);
    return hosted;
  }

  #enable(hosted: Hosted): void {
    void this.#start(hosted).catch(() => undefined);
  }

  async #start(hosted: Hosted): Promise<void> {
    try {
      await this.#whenStartIsFree(() => hosted.plugin.ensureEnabled());
      hosted.lane.resume();
    } catch (error) {
      const { pluginId, version, generation } = hosted.plugin.installation;
      const hookError = error instanceof HookError ? error : undefined;
      if (hookError) {
        this.#failed(hosted.plugin, {
          pluginId,
          version,
          generation,
          reason: hookError.code === 'HOOK_TIMED_OUT' ? 'hook-timeout' : hookError.hook === 'load' ? 'load' : 'hook',
          during: hookError.hook,
          message: hookError.message,
          ...(hookError.pluginStack === undefined ? {} : { stack: hookError.pluginStack }),
        });
      } else {
        // Not the plugin's fault (no package yet, no disk): the next reconciliation tries again.
        this.#parts.log.error(
          { tenant: hosted.plugin.tenant, pluginId, err: error },
          'The plugin could not be started; trying again',
        );
      }
      throw error;
    }
  }

  async #stop(hosted: Hosted): Promise<void> {
    await hosted.lane.pause();
    this.#skip(hosted);
    await hosted.plugin.unload();
  }

  #failed(plugin: HostedPlugin, failure: PluginFailure): void {
    const hosted = this.#tenants.get(plugin.tenant)?.get(plugin.pluginId);
    if (hosted) {
      hosted.failedGeneration = failure.generation;
      void hosted.lane.pause();
    }
    this.#parts.plugin.failed(plugin, failure);
  }

  /** A plugin that is not enabled hears nothing: what waited for it is done with. */
  #skip({ plugin, lane }: Hosted): void {
    plugin.dropSurface();
    void lane.pause();
    for (const tracked of lane.empty()) tracked.done();
  }

  async #whenStartIsFree(start: () => Promise<void>): Promise<void> {
    if (this.#starts >= STARTS_AT_ONCE) {
      await new Promise<void>((resolve) => this.#starting.push(resolve));
    }
    this.#starts += 1;
    try {
      await start();
    } finally {
      this.#starts -= 1;
      this.#starting.shift()?.();
    }
  }
}

function inTransition({ state }: Installation): boolean {
  return state === 'installing' || state === 'updating' || state === 'uninstalling';
}

function listens({ installation, surface }: HostedPlugin, event: string): boolean {
  if (installation.desired !== 'enabled' && !surface) return false;
  if (!installation.granted.includes('events:listen')) return false;
  // Without a surface yet the plugin is being started for the first time here; its lane finds out.
  return surface === undefined || surface.events.includes(event);
}
