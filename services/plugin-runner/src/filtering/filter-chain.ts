import type { Surface } from '@verifywise/contracts';

/** Handlers of one plugin that run one after the other, with none of another plugin between them. */
export interface ChainLink<Plugin> {
  plugin: Plugin;
  handlers: number[];
}

/** Whether the plugin has a handler for the filter. */
export function takesPart(filter: string, surface: Pick<Surface, 'filters'>): boolean {
  return surface.filters.some(({ name }) => name === filter);
}

/**
 * The handlers of all plugins, lower priority first; equal ones in the order in which the tenant enabled the plugins (the order
 * given), within a plugin in the order in which it added them.
 */
export function filterChain<Plugin extends { surface: Pick<Surface, 'filters'> | undefined }>(
  filter: string,
  plugins: Plugin[],
): ChainLink<Plugin>[] {
  const handlers = plugins.flatMap((plugin) =>
    (plugin.surface?.filters ?? [])
      .filter(({ name }) => name === filter)
      .map(({ id, priority }) => ({ plugin, id, priority })),
  );
  handlers.sort((one, other) => one.priority - other.priority);
  const chain: ChainLink<Plugin>[] = [];
  for (const { plugin, id } of handlers) {
    const last = chain.at(-1);
    if (last?.plugin === plugin) last.handlers.push(id);
    else chain.push({ plugin, handlers: [id] });
  }
  return chain;
}
