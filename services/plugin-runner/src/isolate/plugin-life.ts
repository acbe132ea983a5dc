import type { Surface, SurfaceWebhook } from '@verifywise/contracts';
import type { Plugin } from '@verifywise/plugin-types';
import type { HostedContext } from './context.ts';
import { declaredWebhooks } from './declared-webhooks.ts';
import type { Models } from './models.ts';
import type { PluginEvents } from './plugin-events.ts';
import type { PluginFilters } from './plugin-filters.ts';
import type { PluginHttp } from './plugin-http.ts';
import type { PrivateListen } from './private-listen.ts';
import type { PluginJobs } from './plugin-jobs.ts';
import type { PluginMiddleware } from './plugin-middleware.ts';
import { eventHandlersOf, filterHandlersOf, webhooksOf } from './plugin-shape.ts';
import type {
  EventCall,
  FilterAnswer,
  FilterCall,
  HookCall,
  IsolateCalls,
  IsolateSetup,
  JobCall,
  MiddlewareAnswer,
  MiddlewareCall,
} from './protocol.ts';
import { isPermissionDenied } from './guards/permission-denied.ts';
import type { RunnerChannel } from './runner-channel.ts';

/** Hooks in which plugins define models; in the others an old mistake of theirs must not keep them from leaving. */
const DEFINES: ReadonlySet<HookCall['hook']> = new Set<HookCall['hook']>(['onInstall', 'onLoad', 'onEnable']);

interface Parts {
  setup: IsolateSetup;
  plugin: Plugin;
  context: HostedContext;
  events: PluginEvents;
  filters: PluginFilters;
  middleware: PluginMiddleware;
  jobs: PluginJobs;
  models: Pick<Models, 'kept'>;
  channel: RunnerChannel;
  listen: PrivateListen;
}

/** One life of the plugin in its process: from loaded code to the last hook. */
export class PluginLife {
  readonly #parts: Parts;
  readonly #webhooks: SurfaceWebhook[];
  readonly #http: PluginHttp | undefined;
  #enabled = false;

  private constructor(parts: Parts, webhooks: SurfaceWebhook[], http: PluginHttp | undefined) {
    this.#parts = parts;
    this.#webhooks = webhooks;
    this.#http = http;
  }

  /** Asks the plugin what it serves and begins to serve it; nothing reaches it before the runner lets it. */
  static async begin(parts: Parts): Promise<PluginLife> {
    const { setup, plugin, context, events, filters, middleware, jobs, channel, listen } = parts;
    const webhooks = webhooksOf(plugin, setup.entry ?? '');
    let http: PluginHttp | undefined;
    if (plugin.routes || Object.keys(webhooks).length > 0) {
      // Express is half of an isolate's start-up time, and most plugins have no routes.
      const { servePlugin } = await import('./plugin-http.ts');
      http = await servePlugin({ setup, plugin, webhooks, context, listen });
    }
    const life = new PluginLife(parts, declaredWebhooks(webhooks), http);
    const changed = () => {
      if (life.#enabled) channel.say({ kind: 'surface', surface: life.surface() });
    };
    for (const registry of [events, filters, middleware, jobs]) registry.whenChanged(changed);
    return life;
  }

  get servesHttp(): boolean {
    return this.#http !== undefined;
  }

  async runHook({ hook, options, atStart = false }: HookCall): Promise<Surface> {
    const { plugin, context, models } = this.#parts;
    // Permission errors never disable a plugin (contract §2): what it may not do at a start is missing, the rest is there.
    const unlessRefused = async (begin: () => unknown) => {
      try {
        await begin();
      } catch (error) {
        if (!atStart || !isPermissionDenied(error)) throw error;
        context.logger.error(`${hook} was refused something; the plugin goes on without it`, error);
      }
    };
    context.options = options;
    try {
      if (hook === 'onEnable') for (const register of this.#handlers()) await unlessRefused(register);
      await unlessRefused(() => plugin[hook]?.(context));
      // It is not done before what it has defined is kept, whether it has waited for that or not.
      if (DEFINES.has(hook)) await unlessRefused(() => models.kept());
    } catch (error) {
      if (hook === 'onEnable') this.#forgetHandlers();
      throw error;
    } finally {
      delete context.options;
    }
    if (hook === 'onEnable') this.#enabled = true;
    if (hook === 'onDisable') {
      this.#enabled = false;
      this.#forgetHandlers();
    }
    return this.surface();
  }

  async deliver({ payload, ...call }: EventCall): Promise<IsolateCalls['event']['answer']> {
    const { events, context } = this.#parts;
    const timestamp = payload.timestamp;
    const revived = typeof timestamp === 'string' ? { ...payload, timestamp: new Date(timestamp) } : payload;
    return events.deliver({ ...call, payload: revived }, context);
  }

  filter(call: FilterCall): Promise<FilterAnswer> {
    return this.#parts.filters.run(call, this.#parts.context);
  }

  runMiddleware(call: MiddlewareCall): Promise<MiddlewareAnswer> {
    return this.#parts.middleware.run(call);
  }

  runJob({ schedule, data, jobId, attempt }: JobCall): Promise<IsolateCalls['job']['answer']> {
    const { setup, jobs } = this.#parts;
    return jobs.run(schedule, data, { jobId, attemptsMade: attempt, pluginId: setup.pluginId, tenant: setup.tenant });
  }

  surface(): Surface {
    const { plugin, events, filters, middleware, jobs } = this.#parts;
    return {
      events: events.names(),
      orderedBy: events.orderedBy(),
      filters: filters.entries(),
      middleware: middleware.entries(),
      webhooks: this.#webhooks,
      routes: this.#http?.routes ?? [],
      jobs: jobs.names(),
      widgets: asOffered(plugin.uiExtensions?.dashboardWidgets),
      pages: asOffered(plugin.uiExtensions?.pages),
    };
  }

  /** `eventHandlers()` and `filterHandlers()` are registered before `onEnable` runs (contract §1). */
  #handlers(): (() => void)[] {
    const { setup, plugin, context } = this.#parts;
    const events = Object.entries(eventHandlersOf(plugin, setup.entry ?? ''));
    const filters = Object.entries(filterHandlersOf(plugin, setup.entry ?? ''));
    return [
      ...events.map(
        ([event, handler]) =>
          () =>
            handler && context.on(event, handler as never),
      ),
      ...filters.map(
        ([filter, handler]) =>
          () =>
            handler && context.addFilter(filter, handler as never),
      ),
    ];
  }

  /** Everything registered is gone after disable (contract §1). */
  #forgetHandlers(): void {
    const { events, filters, middleware } = this.#parts;
    for (const registry of [events, filters, middleware]) registry.clear();
  }
}

/** What the plugin wrote there, as far as it can cross the channel: what it is, and what of it is wrong, the runner says. */
function asOffered(offered: unknown): never[] {
  const entries: unknown[] = Array.isArray(offered) || offered === undefined ? (offered ?? []) : [offered];
  return entries.map((entry) => {
    try {
      return JSON.parse(JSON.stringify(entry)) as never;
    } catch {
      // Nothing, or something that refers to itself.
      return null as never;
    }
  });
}
