import type { Delivery } from '@verifywise/broker';
import type { Installation, ReplayOutcome, RunHookRequest, Surface } from '@verifywise/contracts';
import { PlatformError, partitionOf } from '@verifywise/contracts';
import { pause } from '../pause.ts';
import type { HostedParts } from './hosted.ts';
import { Hosted } from './hosted.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import type { Lane } from './lane.ts';
import { inLoadOrder } from './load-order.ts';
import { LONGEST_REQUEST_MS } from './longest-request.ts';
import type { LaneName, Tenure } from './parked-events.ts';
import type { PluginView } from './plugin-view.ts';
import { viewOf } from './plugin-view.ts';
import type { KnownSurface } from './surface-records.ts';
import type { Sleeper } from './sleep.ts';
import { StartSlots } from './start-slots.ts';
import { TrackedDelivery } from './tracked-delivery.ts';

export interface HostingParts extends Omit<HostedParts, 'plugin' | 'tenure' | 'startsBefore'> {
  plugin: Omit<HostedPluginParts, 'starts'>;
  partitions: number;
  /** The surface as any runner last stored it, for routing events to a plugin whose isolate has yet to start. */
  surfacesOf(partition: number): Promise<KnownSurface[]>;
}

/** `onUnload` of a plugin has 5 s; a hook that it waits behind was given its time before (`HAND_OVER_DEADLINE_MS`). */
const LEAVES_WITHIN_MS = 6_000;

/** No claim was ever made under it. */
const NO_EPOCH = -1;

/** Every plugin of the tenants whose partitions this runner holds; of others it hosts nothing, whoever asks. */
export class Hosting {
  readonly #parts: HostingParts;
  readonly #hostedParts: HostedParts;
  readonly #tenants = new Map<string, Map<string, Hosted>>();
  /** The partitions held here, with the epoch of the claim. */
  readonly #held = new Map<number, number>();
  readonly #finishing = new Set<number>();
  #sequence = 0;

  constructor(parts: HostingParts) {
    this.#parts = parts;
    const tenure = (tenant: string) => this.#tenure(this.#partitionOf(tenant));
    const starts = { asked: new StartSlots(), unasked: new StartSlots() };
    const startsBefore = (installation: Installation) => this.#startsBefore(installation);
    this.#hostedParts = { ...parts, tenure, startsBefore, plugin: { ...parts.plugin, starts } };
  }

  /** Hosts what the projection says of a partition; isolates start in the background, events wait for them in their lanes. */
  async takeOver({ partition, epoch }: Tenure, installations: Installation[]): Promise<void> {
    const known = await Promise.all([this.#parts.surfacesOf(partition), this.#parts.parked.ofPartition(partition)]);
    const [surfaces, parked] = [byPlugin(known[0]), byPlugin(known[1])];
    this.#finishing.delete(partition);
    this.#held.set(partition, epoch);
    for (const { lane } of this.#inPartition(partition)) lane.goOn();
    for (const installation of inLoadOrder(installations)) {
      const hosted = this.#host(installation);
      const surface = surfaces.get(nameOf(installation));
      if (surface) hosted.plugin.knowSurface(surface);
      hosted.lane.knowParked(parked.get(nameOf(installation))?.parked ?? 0);
      hosted.apply(installation);
    }
  }

  /** Makes the plugin what the installer says it should be; nothing when its tenant is hosted elsewhere. */
  apply(installation: Installation): void {
    if (this.#holds(installation.tenant)) this.#host(installation).apply(installation);
  }

  /** The tenant no longer has the plugin, unless it was installed again since. */
  async forget(tenant: string, pluginId: string, upToGeneration: number): Promise<void> {
    const hosted = this.#tenants.get(tenant)?.get(pluginId);
    if (!hosted || hosted.plugin.installation.generation > upToGeneration) return;
    this.#remove(hosted);
    hosted.skip();
    hosted.plugin.gone = 'removed';
    await hosted.plugin.unload();
  }

  /** Runs one step of an operation. */
  async runHook(request: RunHookRequest): Promise<Surface | undefined> {
    this.#assertHolds(request.installation.tenant);
    return this.#host(request.installation).runHook(request);
  }

  /** True while the plugin is between two versions, and was enabled before. */
  isUpdating(tenant: string, pluginId: string): boolean {
    return this.#tenants.get(tenant)?.get(pluginId)?.updating ?? false;
  }

  /** Gives an event to every plugin of its tenant that listens; acknowledged when all are done, at once when none does. */
  deliver(event: string, tenant: string, delivery: Delivery): void {
    // Left unsettled, it goes to the next runner when the channel closes.
    if (this.#finishing.has(this.#partitionOf(tenant))) return;
    const lanes = [...(this.#tenants.get(tenant)?.values() ?? [])].filter((hosted) => hosted.listensTo(event));
    if (lanes.length === 0) {
      delivery.ack();
      return;
    }
    const tracked = new TrackedDelivery(delivery, this.#sequence++, lanes.length);
    for (const hosted of lanes) hosted.push(tracked);
  }

  /** The plugin, when it is enabled; one that sleeps or is being started is waited for. */
  async enabledPlugin(tenant: string, pluginId: string): Promise<HostedPlugin> {
    return this.#hostedHere(tenant, pluginId).enabled();
  }

  /** Has `park` park events of the past for a plugin, behind all that waits for it; one that is not enabled would only drop them. */
  async replay(
    tenant: string,
    pluginId: string,
    park: (tenure: Tenure) => Promise<ReplayOutcome | null>,
  ): Promise<ReplayOutcome> {
    const hosted = this.#hostedHere(tenant, pluginId);
    await hosted.enabled();
    const outcome = await hosted.lane.parkBehind(() => park(this.#tenure(this.#partitionOf(tenant))));
    if (outcome === null) throw movedError(tenant);
    return outcome;
  }

  /** The tenant's enabled plugins and what they offer, in the order in which they were enabled; whether their isolates run or not. */
  enabledPlugins(tenant: string): { pluginId: string; surface: Surface; granted: Installation['granted'] }[] {
    this.#assertHolds(tenant);
    return [...(this.#tenants.get(tenant)?.values() ?? [])]
      .map(({ plugin }) => plugin)
      .sort(
        (one, other) => one.offer.enabledSince - other.offer.enabledSince || (one.pluginId < other.pluginId ? -1 : 1),
      )
      .flatMap(({ pluginId, surface, installation: { granted } }) => (surface ? [{ pluginId, surface, granted }] : []));
  }

  /** Everything hosted here, as operators see it. */
  list(): PluginView[] {
    return this.#all().map(viewOf);
  }

  /** One plugin as operators see it; null when its tenant does not have it. */
  view(tenant: string, pluginId: string): PluginView | null {
    this.#assertHolds(tenant);
    const hosted = this.#tenants.get(tenant)?.get(pluginId);
    return hosted ? viewOf(hosted) : null;
  }

  /** The packages of everything hosted here, whether it runs or not. */
  packages(): string[] {
    return this.#all().map(({ plugin }) => plugin.installation.package.digest);
  }

  /** Everything that may fall asleep. */
  sleepers(): Sleeper[] {
    return this.#all().filter(({ plugin }) => plugin.stage === 'enabled');
  }

  /** The lanes of everything hosted here. */
  lanes(): Lane[] {
    return this.#all().map(({ lane }) => lane);
  }

  forgetUndelivered(partition: number): void {
    for (const { lane } of this.#inPartition(partition)) lane.forgetUndelivered();
  }

  /**
   * Finishes the events and requests that are under way, and parks what waits behind them of the events that any plugin has begun, so
   * that no event is delivered twice after a hand-over.
   */
  async finish(partition: number): Promise<void> {
    const hosted = this.#inPartition(partition);
    this.#finishing.add(partition);
    for (const { lane } of hosted) lane.hold();
    const begun = Math.max(-1, ...hosted.map(({ lane }) => lane.lastBegun));
    const answered = Promise.all(hosted.map(({ plugin }) => plugin.uses.settled()));
    await Promise.all([
      ...hosted.map(({ lane }) => lane.finish(begun)),
      Promise.race([answered, pause(LONGEST_REQUEST_MS)]),
    ]);
  }

  async release(partition: number, how: 'gracefully' | 'at-once'): Promise<void> {
    const leaving = this.#inPartition(partition);
    this.#held.delete(partition);
    for (const hosted of leaving) {
      hosted.leave();
      this.#remove(hosted);
    }
    const ended = await Promise.allSettled(
      leaving.map(({ plugin }) => (how === 'gracefully' ? unloadInTime(plugin) : plugin.kill())),
    );
    const failed = ended.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #startsBefore({ tenant, manifest }: Installation): Promise<void>[] {
    // What an older installer has stored may name none.
    const { dependencies = {} } = manifest as Partial<Installation['manifest']>;
    return Object.keys(dependencies).flatMap((id) => this.#tenants.get(tenant)?.get(id)?.starting ?? []);
  }

  #tenure(partition: number): Tenure {
    return { partition, epoch: this.#held.get(partition) ?? NO_EPOCH };
  }

  #partitionOf(tenant: string): number {
    return partitionOf(tenant, this.#parts.partitions);
  }

  #holds(tenant: string): boolean {
    return this.#held.has(this.#partitionOf(tenant));
  }

  #assertHolds(tenant: string): void {
    if (this.#holds(tenant)) return;
    throw movedError(tenant);
  }

  #hostedHere(tenant: string, pluginId: string): Hosted {
    this.#assertHolds(tenant);
    const hosted = this.#tenants.get(tenant)?.get(pluginId);
    if (!hosted) throw new PlatformError('PLUGIN_NOT_INSTALLED', `${pluginId} is not installed`);
    // Whoever takes over serves it, when its update is done.
    if (hosted.updating && this.#finishing.has(this.#partitionOf(tenant))) throw movedError(tenant);
    return hosted;
  }

  #all(): Hosted[] {
    return [...this.#tenants.values()].flatMap((plugins) => [...plugins.values()]);
  }

  #inPartition(partition: number): Hosted[] {
    return this.#all().filter(({ plugin }) => this.#partitionOf(plugin.tenant) === partition);
  }

  #host(installation: Installation): Hosted {
    const { tenant, pluginId } = installation;
    const plugins = this.#tenants.get(tenant) ?? new Map<string, Hosted>();
    this.#tenants.set(tenant, plugins);
    const hosted = plugins.get(pluginId) ?? new Hosted(installation, this.#hostedParts);
    plugins.set(pluginId, hosted);
    return hosted;
  }

  #remove({ plugin }: Hosted): void {
    const plugins = this.#tenants.get(plugin.tenant);
    plugins?.delete(plugin.pluginId);
    if (plugins?.size === 0) this.#tenants.delete(plugin.tenant);
  }
}

/** A hook that does not end is cut off: the next runner does that step again, or its installer undoes it. */
async function unloadInTime(plugin: HostedPlugin): Promise<void> {
  const unloaded = plugin.unload().then(() => 'unloaded' as const);
  if ((await Promise.race([unloaded, pause(LEAVES_WITHIN_MS)])) === 'unloaded') return;
  await plugin.kill();
  await unloaded;
}

function movedError(tenant: string): PlatformError {
  return new PlatformError('NOT_THE_OWNER', `This runner does not host ${tenant}; ask again`);
}

function byPlugin<Known extends LaneName>(known: Known[]): Map<string, Known> {
  return new Map(known.map((each) => [nameOf(each), each]));
}

function nameOf({ tenant, pluginId }: LaneName): string {
  return `${tenant}/${pluginId}`;
}
