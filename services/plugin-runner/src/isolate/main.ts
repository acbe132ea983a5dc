import { PluginEvents } from './plugin-events.ts';
import { keptAwakeBy } from './kept-awake-by.ts';
import { PluginFilters } from './plugin-filters.ts';
import { PluginJobs } from './plugin-jobs.ts';
import { PluginMiddleware } from './plugin-middleware.ts';
import { createContext } from './context.ts';
import { LiveSettings } from './live-settings.ts';
import { loadPlugin } from './load-plugin.ts';
import { PluginLife } from './plugin-life.ts';
import { wireError } from './protocol.ts';
import { RunnerChannel } from './runner-channel.ts';
import { captureConsole } from './plugin-log.ts';

/** The process of one isolate: loads one plugin for one tenant and does what its runner asks. */
const channel = new RunnerChannel();
const settings = new LiveSettings();
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
    const middleware = new PluginMiddleware(setup);
    const jobs = new PluginJobs();
    const context = createContext({ setup, channel, settings, events, filters, middleware, jobs });
    const plugin = await loadPlugin(setup);
    life = await PluginLife.begin({ setup, plugin, context, events, filters, middleware, jobs, channel });
    return null;
  },
  hook: (call) => running().runHook(call),
  event: (call) => running().deliver(call),
  job: (call) => running().runJob(call),
  filter: (call) => running().filter(call),
  middleware: (call) => running().runMiddleware(call),
  awake: () => keptAwakeBy(),
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
  if (ending) return;
  ending = true;
  channel.say({ kind: 'unhandled', error: wireError(error) });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
}
