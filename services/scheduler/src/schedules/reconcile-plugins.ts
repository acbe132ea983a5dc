import { MOST_TENANTS_ASKED, type TenantPlugins } from '@verifywise/contracts';
import type { KnownPlugin, PluginNews, ScheduleBook } from './books.ts';

/** Longer than any installation takes: a plugin that is being installed is not told of yet, and may have scheduled something already. */
const ABSENT_FOR_GOOD_MS = 15 * 60_000;

/** What these tenants have installed, as the installer says. */
export type AskInstalled = (tenants: { tenant: string }[]) => Promise<TenantPlugins[]>;

/**
 * Compares what was heard of the plugins that have schedules with the installer's truth. A fact that was lost leaves no job running of a
 * plugin that is disabled or gone, and none paused of one that is enabled.
 */
export function createReconcilePlugins(
  schedules: ScheduleBook,
  ask: AskInstalled,
  wake: () => void,
): () => Promise<void> {
  const absences = new Absences();
  return async () => {
    let after = { tenant: '', pluginId: '' };
    for (;;) {
      const page = await schedules.pluginsAfter(after, MOST_TENANTS_ASKED);
      const last = page.at(-1);
      if (last === undefined) return;
      const at = new Date();
      const tenants = [...new Set(page.map(({ tenant }) => tenant))];
      const truth = new Map((await ask(tenants.map((tenant) => ({ tenant })))).map((one) => [one.tenant, one.plugins]));
      for (const known of page) {
        const news = newsOf(known, truth.get(known.tenant), at, absences);
        if (news === undefined) continue;
        absences.end(known);
        await schedules.pluginChanged(known.tenant, known.pluginId, news);
        wake();
      }
      if (page.length < MOST_TENANTS_ASKED) return;
      after = last;
    }
  };
}

/** What is not known yet; undefined when all is. */
export function newsOf(
  known: KnownPlugin,
  installed: TenantPlugins['plugins'] | undefined,
  at: Date,
  absences: Pick<Absences, 'forMs' | 'end'>,
): PluginNews | undefined {
  // A tenant that is not spoken of is not one without plugins.
  if (installed === undefined) return undefined;
  const plugin = installed.find(({ pluginId }) => pluginId === known.pluginId);
  if (plugin === undefined) {
    const wasEnabled = known.enabled && known.generation > 0;
    if (!wasEnabled && absences.forMs(known) < ABSENT_FOR_GOOD_MS) return undefined;
    // Of the generation that was known before asking: one that was installed meanwhile is newer, and stays.
    return { change: 'uninstalled', generation: known.generation, at };
  }
  absences.end(known);
  const { enabled, generation } = plugin;
  if (generation < known.generation || (generation === known.generation && enabled === known.enabled)) return undefined;
  return { change: enabled ? 'enabled' : 'disabled', generation, at };
}

/** Since when plugins are not told of. */
class Absences {
  readonly #since = new Map<string, number>();

  forMs(plugin: KnownPlugin): number {
    const now = performance.now();
    const since = this.#since.get(keyOf(plugin)) ?? now;
    this.#since.set(keyOf(plugin), since);
    return now - since;
  }

  end(plugin: KnownPlugin): void {
    this.#since.delete(keyOf(plugin));
  }
}

function keyOf({ tenant, pluginId }: KnownPlugin): string {
  return `${tenant}/${pluginId}`;
}
