import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { IsolateNotes } from './hosting/isolate-notes.ts';
import type { PluginView } from './hosting/plugin-view.ts';

const STATES = ['starting', 'running', 'stopping', 'stopped', 'crashed'] as const;
const OF_A_PLUGIN = ['tenant', 'plugin'] as const;
/** A bare Node process takes 30 ms on an idle machine; the hooks of a plugin may take as long as they may. */
const START_BUCKETS = [0.03, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30];

const ONE_LOOK_MS = 100;

/**
 * The isolates as figures. What is said of single plugins is read when it is asked for, so that nothing remains of a plugin that
 * has left.
 */
export function watchIsolates(registry: Registry, list: () => PluginView[]): IsolateNotes {
  const registers = [registry];
  let looked: { at: number; views: PluginView[] } | undefined;
  // All figures of one request for metrics come from one look.
  const plugins = () => {
    if (!looked || performance.now() - looked.at > ONE_LOOK_MS) looked = { at: performance.now(), views: list() };
    return looked.views;
  };
  const starts = new Histogram({
    name: 'runner_isolate_start_seconds',
    help: "From the start of an isolate's process to the plugin's loaded code",
    buckets: START_BUCKETS,
    registers,
  });
  const wakes = new Histogram({
    name: 'runner_isolate_wake_seconds',
    help: 'From something that came for a sleeping plugin to the end of its onEnable',
    buckets: START_BUCKETS,
    registers,
  });
  const slept = new Counter({
    name: 'runner_isolates_put_to_sleep_total',
    help: 'Isolates that were stopped because they had nothing to do',
    registers,
  });
  const crashes = new Counter({
    name: 'runner_isolate_crashes_total',
    help: 'Isolates that ended without being stopped, by reason: exit, signal, memory, hang, hook-timeout, unhandled',
    labelNames: ['reason'] as const,
    registers,
  });
  const notStorable = new Counter({
    name: 'runner_records_not_storable_total',
    help: 'Failed deliveries, reports and work that were given up because the database can never keep them; the log says which',
    registers,
  });
  new Gauge({
    name: 'runner_isolates',
    help: 'Hosted plugins by the state of their isolate; those that sleep are among the stopped ones',
    labelNames: ['state'] as const,
    registers,
    collect() {
      const views = plugins();
      for (const state of STATES) this.set({ state }, views.filter((view) => view.state === state).length);
    },
  });
  new Gauge({
    name: 'runner_isolates_sleeping',
    help: 'Enabled plugins whose isolate was stopped because it had nothing to do',
    registers,
    collect() {
      this.set(plugins().filter(({ sleeping }) => sleeping).length);
    },
  });
  new Counter({
    name: 'runner_isolate_cpu_seconds_total',
    help: "CPU time of a plugin's isolates since this runner hosts it, as the operating system says",
    labelNames: OF_A_PLUGIN,
    registers,
    collect() {
      this.reset();
      for (const { tenant, pluginId, cpuSeconds } of plugins()) {
        if (cpuSeconds > 0) this.inc({ tenant, plugin: pluginId }, cpuSeconds);
      }
    },
  });
  /** A figure of each plugin that has it. */
  const gaugeOfPlugins = (name: string, help: string, figureOf: (view: PluginView) => number | null) =>
    new Gauge({
      ...{ name, help, labelNames: OF_A_PLUGIN, registers },
      collect() {
        this.reset();
        for (const view of plugins()) {
          const figure = figureOf(view);
          if (figure !== null) this.set({ tenant: view.tenant, plugin: view.pluginId }, figure);
        }
      },
    });
  gaugeOfPlugins(
    'runner_isolate_resident_bytes',
    "Memory of a plugin's isolate that is in RAM, as the operating system says",
    ({ memoryBytes }) => memoryBytes,
  );
  gaugeOfPlugins(
    'runner_waiting_events',
    'Events that a plugin handles or that wait for it, wherever they are kept; not said of plugins without any',
    ({ waitingEvents }) => waitingEvents || null,
  );
  gaugeOfPlugins(
    'runner_parked_events',
    'Those of the waiting events that wait in the database, because they are late or many',
    ({ parkedEvents }) => parkedEvents || null,
  );
  new Gauge({
    ...{ name: 'runner_plugin_condition', labelNames: [...OF_A_PLUGIN, 'condition'] as const, registers },
    help: '1 for plugins that are slow, broken, or fail because something that they call is down (dependency-down)',
    collect() {
      this.reset();
      for (const { tenant, pluginId, condition } of plugins()) {
        if (condition !== 'ok') this.set({ tenant, plugin: pluginId, condition }, 1);
      }
    },
  });
  return {
    started: (seconds) => starts.observe(seconds),
    woken: (seconds) => wakes.observe(seconds),
    fellAsleep: () => slept.inc(),
    crashed: (reason) => crashes.inc({ reason }),
    notStorable: () => notStorable.inc(),
  };
}
