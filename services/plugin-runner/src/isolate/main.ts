import type { Server } from 'node:net';
import { PluginEvents } from './plugin-events.ts';
import { keptAwakeBy } from './kept-awake-by.ts';
import { PluginFilters } from './plugin-filters.ts';
import { PluginJobs } from './plugin-jobs.ts';
import { PluginMiddleware } from './plugin-middleware.ts';
import { createContext } from './context.ts';
import { Denials } from './guards/denials.ts';
import { Egress } from './guards/egress.ts';
import { installGuards } from './guards/guards.ts';
import { isPermissionDenied } from './guards/permission-denied.ts';
import { PluginTimers } from './guards/timers.ts';
import { LiveSettings } from './live-settings.ts';
import { loadPlugin } from './load-plugin.ts';
import { createModels } from './models.ts';
import { originals } from './originals.ts';
import { privateListen } from './private-listen.ts';
import { PluginLife } from './plugin-life.ts';
import { wireError } from './protocol.ts';
import { RunnerChannel } from './runner-channel.ts';
import { captureConsole, logLine } from './plugin-log.ts';

/** The process of one isolate: loads one plugin for one tenant and does what its runner asks. */
const channel = new RunnerChannel((error) => denials.of(error));
const denials = new Denials((message, meta) => logLine(channel, 'warn', message, meta));
const settings = new LiveSettings(denials);
const timers = new PluginTimers();
const servers = new Set<Server>();
let life: PluginLife | undefined;

function running(): PluginLife {
  if (!life) throw new Error('The isolate was asked for something before it was set up');
  return life;
}

captureConsole(channel);
process.on('uncaughtException', endBy);
process.on('unhandledRejection', endBy);

channel.listen({
  setup: async (setup) => {
    settings.replace(setup);
    const events = new PluginEvents();
    const filters = new PluginFilters();
    const middleware = new PluginMiddleware(setup, (...line) => logLine(channel, ...line));
    const jobs = new PluginJobs();
    const models = createModels(channel, settings, setup);
    const context = createContext({ setup, channel, settings, events, filters, middleware, jobs, models });
    installGuards({ settings, denials, servers, egress: new Egress(setup.egressAllowed) }, timers);
    const plugin = await loadPlugin(setup);
    const listen = privateListen(setup.socketPath, timers);
    const registries = { events, filters, middleware, jobs, models };
    life = await PluginLife.begin({ setup, plugin, context, ...registries, channel, listen });
    return { servesHttp: life.servesHttp };
  },
  hook: (call) => running().runHook(call),
  event: (call) => running().deliver(call),
  job: (call) => running().runJob(call),
  filter: (call) => running().filter(call),
  middleware: (call) => running().runMiddleware(call),
  awake: () => keptAwakeBy({ timers, servers, asked: () => channel.asked }),
  settings: (changed) => {
    settings.replace(changed);
    return null;
  },
  ping: () => null,
});

/** The runner ends the isolate when it hears of an unhandled error; should it be too busy to, the isolate does. */
const LAST_WORDS_MS = 1_000;
let ending = false;

function endBy(error: unknown): void {
  // What was not granted is no fault of the code (contract §2): the plugin goes on with less.
  if (isPermissionDenied(error)) {
    logLine(channel, 'error', 'Nobody caught that something was not granted', error);
    return;
  }
  if (ending) return;
  ending = true;
  channel.say({ kind: 'unhandled', error: wireError(error) });
  originals.setTimeout(() => originals.endProcess(), LAST_WORDS_MS);
}
