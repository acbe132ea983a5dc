import type { EventHandlers, FilterHandlers, Plugin, Webhook, Webhooks } from '@verifywise/plugin-types';

/** The plugin cannot be loaded as it is; the message is for its author. */
export class PluginLoadError extends Error {
  readonly code = 'PLUGIN_LOAD_FAILED';
}

const HOOK = 'async (context) => { … }';

/** What the platform calls of a plugin, and how it looks. */
const examples = {
  onInstall: HOOK,
  onUninstall: HOOK,
  onLoad: HOOK,
  onUnload: HOOK,
  onEnable: HOOK,
  onDisable: HOOK,
  routes: "(router) => { router.get('/hello', …) }",
  webhooks: "() => ({ 'issue-updated': { handler: async (req, res, context) => { … } } })",
  eventHandlers: "() => ({ 'risk.created': async (payload, context) => { … } })",
  filterHandlers: "() => ({ 'risk:before_save': async (data, context) => data })",
} satisfies Partial<Record<keyof Plugin, string>>;

/** Throws a PluginLoadError when something that is to be called cannot be. */
export function checkFunctions(plugin: Plugin, entry: string): void {
  for (const [name, example] of Object.entries(examples)) {
    const found = (plugin as Record<string, unknown>)[name];
    if (found === undefined || found === null || typeof found === 'function') continue;
    throw new PluginLoadError(`${entry}: \`${name}\` must be a function, like ${example}, and is ${kindOf(found)}`);
  }
}

/** The plugin's webhooks by name. */
export function webhooksOf(plugin: Plugin, entry: string): Webhooks {
  const isWebhook = (value: unknown): boolean => typeof (value as Partial<Webhook> | null)?.handler === 'function';
  return returned(entry, 'webhooks', plugin.webhooks?.(), isWebhook) as Webhooks;
}

export function eventHandlersOf(plugin: Plugin, entry: string): EventHandlers {
  return returned(entry, 'eventHandlers', plugin.eventHandlers?.(), isHandler) as EventHandlers;
}

export function filterHandlersOf(plugin: Plugin, entry: string): FilterHandlers {
  return returned(entry, 'filterHandlers', plugin.filterHandlers?.(), isHandler) as FilterHandlers;
}

/** A handler that is left out on a condition is none. */
function isHandler(value: unknown): boolean {
  return !value || typeof value === 'function';
}

function returned(
  entry: string,
  name: keyof typeof examples,
  value: unknown,
  isRight: (entry: unknown) => boolean,
): object {
  const wrong = (what: string): PluginLoadError =>
    new PluginLoadError(`${entry}: \`${name}\` must be like ${examples[name]}, and ${what}`);
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Promise) {
    throw wrong(`returned ${kindOf(value)}`);
  }
  const [key, odd] = Object.entries(value).find(([, one]) => !isRight(one)) ?? [];
  if (key !== undefined) throw wrong(`what it returned has ${kindOf(odd)} as "${key}"`);
  return value;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Promise) return 'a promise';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
