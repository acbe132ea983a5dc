import type { Permission, PluginContext, PluginLogger, ScheduleJobOptions } from '@verifywise/plugin-types';
import type { HookCall, IsolateSetup, LogLevel } from './protocol.ts';
import type { PluginEvents } from './plugin-events.ts';
import type { PluginJobs } from './plugin-jobs.ts';
import { logLine } from './plugin-log.ts';
import { createMetadata } from './metadata.ts';
import type { RunnerChannel } from './runner-channel.ts';

/** What a plugin gets when it does what it was not granted; the runner refuses the same again where it matters. */
class PermissionDeniedError extends Error {
  readonly code = 'PERMISSION_DENIED';
  constructor(permission: Permission) {
    super(`This needs the permission ${permission}, which was not granted; add it to "permissions" in manifest.json`);
    this.name = 'PermissionDeniedError';
  }
}

/** The settings as they are now: replaced as a whole when an admin or the plugin changes one. Null when they may not be read. */
export class LiveConfig {
  #values: Record<string, unknown> | null = null;

  replace(values: Record<string, unknown> | null): void {
    this.#values = values;
  }

  read(): Record<string, unknown> {
    if (!this.#values) throw new PermissionDeniedError('config:read');
    return this.#values;
  }
}

export interface HostedContext extends PluginContext {
  options?: HookCall['options'];
}

interface Parts {
  setup: IsolateSetup;
  channel: RunnerChannel;
  config: LiveConfig;
  events: PluginEvents;
  jobs: PluginJobs;
}

/** The context of contract §1, as far as this version of @verifywise/plugin-types declares it. */
export function createContext({ setup, channel, config, events, jobs }: Parts): HostedContext {
  const granted = new Set(setup.granted);
  const need = (permission: Permission) => {
    if (!granted.has(permission)) throw new PermissionDeniedError(permission);
  };

  return {
    pluginId: setup.pluginId,
    tenant: setup.tenant,
    manifest: setup.manifest,
    logger: createLogger(channel),
    metadata: createMetadata(channel),
    config: {
      get: <Value>(key: string, fallback?: Value) => (config.read()[key] ?? fallback) as Value,
      getAll: () => structuredClone(config.read()),
      set: async (key, value) => {
        need('config:write');
        config.replace(await channel.ask('config.set', key, value));
      },
    },
    on: (event: string, handler: never) => {
      need('events:listen');
      events.add(event, handler);
    },
    off: (event: string, handler: never) => events.remove(event, handler),
    emit: async (event, payload) => {
      need('events:emit');
      await channel.ask('events.emit', event, payload);
    },
    isPluginEnabled: (pluginId) => channel.ask('plugins.isEnabled', pluginId),
    scheduler: {
      schedule: async (name, handler, options, data) => {
        // The handler first: a job due at once must find it.
        jobs.set(name, handler);
        await channel.ask('scheduler.schedule', name, { ...options } satisfies ScheduleJobOptions, data ?? null);
        return name;
      },
      scheduleOnce: async (name, handler, delay, data) => {
        jobs.set(name, handler);
        await channel.ask('scheduler.schedule', name, { once: true, delay }, data ?? null);
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
        (await channel.ask('scheduler.list')).map(({ once, nextRun, ...schedule }) => ({
          ...schedule,
          kind: once ? 'once' : 'repeating',
          nextRun: nextRun === null ? null : new Date(nextRun),
        })),
      exists: async (name) => (await channel.ask('scheduler.list')).some((schedule) => schedule.name === name),
    },
  };
}

function createLogger(channel: RunnerChannel): PluginLogger {
  const at = (level: LogLevel) => (message: string, meta?: unknown) => logLine(channel, level, message, meta);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
