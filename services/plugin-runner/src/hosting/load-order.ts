/** What the order depends on. */
interface Loadable {
  tenant: string;
  pluginId: string;
  /** What an older installer has stored may name none. */
  manifest: { dependencies?: Record<string, string> | undefined };
}

/** The same plugins, each after those of its tenant that it depends on (S:9.3); otherwise as they were. A circle is cut somewhere. */
export function inLoadOrder<Plugin extends Loadable>(plugins: readonly Plugin[]): Plugin[] {
  const byName = new Map(plugins.map((plugin) => [nameOf(plugin.tenant, plugin.pluginId), plugin]));
  const order = new Set<Plugin>();
  const underWay = new Set<Plugin>();
  const visit = (plugin: Plugin): void => {
    if (underWay.has(plugin)) return;
    underWay.add(plugin);
    for (const id of Object.keys(plugin.manifest.dependencies ?? {})) {
      const needed = byName.get(nameOf(plugin.tenant, id));
      if (needed !== undefined) visit(needed);
    }
    order.add(plugin);
  };
  for (const plugin of plugins) visit(plugin);
  return [...order];
}

function nameOf(tenant: string, pluginId: string): string {
  return `${tenant}/${pluginId}`;
}
