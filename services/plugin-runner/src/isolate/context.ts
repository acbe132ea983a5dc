import type {
  EventOptions,
  FilterData,
  PluginContext,
  PluginLogger,
  ScheduleJobOptions,
} from '@verifywise/plugin-types';
import type { HookCall, IsolateSetup, LogLevel } from './protocol.ts';
import { createDatabase } from './database.ts';
import type { Models } from './models.ts';
import type { PluginEvents } from './plugin-events.ts';
import type { PluginFilters } from './plugin-filters.ts';
import type { PluginJobs } from './plugin-jobs.ts';
import type { PluginMiddleware } from './plugin-middleware.ts';
import { verifySignature } from './webhook-signatures.ts';
import type { LiveSettings } from './live-settings.ts';
import { logLine } from './plugin-log.ts';
import { createMetadata } from './metadata.ts';
import type { RunnerChannel } from './runner-channel.ts';

export interface HostedContext extends PluginContext {
  options?: HookCall['options'];
}

interface Parts {
  setup: IsolateSetup;
  channel: RunnerChannel;
  settings: LiveSettings;
  events: PluginEvents;
  filters: PluginFilters;
  middleware: PluginMiddleware;
  jobs: PluginJobs;
  models: Models;
}

/** The context of contract §1. */
export function createContext(parts: Parts): HostedContext {
  const { setup, channel, settings, events, filters, middleware, jobs, models } = parts;
  return {
    pluginId: setup.pluginId,
    tenant: setup.tenant,
    manifest: setup.manifest,
    logger: createLogger(channel),
    metadata: createMetadata(channel),
    db: createDatabase(channel, settings),
    models,
    http: { fetch: (...request) => fetch(...request) },
    webhooks: { verify: verifySignature },
    config: {
      get: <Value>(key: string, fallback?: Value) => {
        const config = settings.config();
        // What every object of JavaScript has is no setting.
        const value = Object.hasOwn(config, key) ? config[key] : undefined;
        return (structuredClone(value) ?? fallback) as Value;
      },
      getAll: () => structuredClone(settings.config()),
      set: async (key, value) => {
        settings.need('config:write');
        settings.replaceConfig(await channel.ask('config.set', key, value));
      },
    },
    on: (event: string, handler: never, options?: EventOptions) => {
      settings.need('events:listen');
      events.add(event, handler, options);
    },
    off: (event: string, handler: never) => events.remove(event, handler),
    emit: async (event, payload) => {
      settings.need('events:emit');
      await channel.ask('events.emit', event, payload);
    },
    addFilter: (filter: string, handler: never, priority?: number) => {
      settings.need('filters:add');
      filters.add(filter, handler, priority);
    },
    removeFilter: (filter: string, handler: never) => filters.remove(filter, handler),
    applyFilters: <Data extends FilterData>(filter: string, data: Data) => filters.apply(channel, filter, data),
    middleware: {
      add: (pattern, position, handler, options) => {
        settings.need('middleware:inject');
        return middleware.add(pattern, position, handler, options);
      },
      remove: (id) => middleware.remove(id),
      removeAll: () => middleware.clear(),
      list: () => middleware.list(),
      has: (id) => middleware.has(id),
    },
    isPluginEnabled: (pluginId) => channel.ask('plugins.isEnabled', pluginId),
    scheduler: {
      schedule: async (name, handler, options, data) => {
        const timing = { ...options } satisfies ScheduleJobOptions;
        await jobs.during(name, handler, () => channel.ask('scheduler.schedule', name, timing, data ?? null));
        return name;
      },
      scheduleOnce: async (name, handler, delay, data) => {
        const timing = { once: true, delay };
        await jobs.during(name, handler, () => channel.ask('scheduler.schedule', name, timing, data ?? null));
        return name;
      },
      cancel: async (name) => {
        jobs.remove(name);
        return (await channel.ask('scheduler.cancel', name)) > 0;
      },
      cancelAll: async () => {
        jobs.remove(null);
        return channel.ask('scheduler.cancel', null);
      },
      list: async () =>
        (await channel.ask('scheduler.list')).map(({ once, nextRun, lastRun, ...schedule }) => ({
          ...schedule,
          kind: once ? 'once' : 'repeating',
          nextRun: nextRun === null ? null : new Date(nextRun),
          lastRun: lastRun === null ? null : new Date(lastRun),
        })),
      exists: async (name) => (await channel.ask('scheduler.list')).some((schedule) => schedule.name === name),
    },
  };
}

function createLogger(channel: RunnerChannel): PluginLogger {
  const at = (level: LogLevel) => (message: string, meta?: unknown) => logLine(channel, level, message, meta);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
