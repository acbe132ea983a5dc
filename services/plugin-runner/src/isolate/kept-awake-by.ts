import type { Server } from 'node:net';
import type { PluginTimers } from './guards/timers.ts';
import { originals } from './originals.ts';

/**
 * Pipes are the channel, the output and the private socket of the isolate, with the runner's connections to it: a plugin can open none.
 * Timers are counted apart, those of the isolate left out.
 */
const NOT_THE_PLUGINS = new Set(['PipeWrap', 'PipeConnectWrap', 'TTYWrap', 'Timeout']);

interface Parts {
  timers: PluginTimers;
  servers: ReadonlySet<Server>;
  /** How many questions of the plugin to the platform wait for their answer. */
  asked: () => number;
}

/** What of the plugin's own still waits for something, as `timer ×2`; empty when its process may be stopped without anything being missed. */
export function keptAwakeBy({ timers, servers, asked }: Parts): string[] {
  const count = new Map<string, number>();
  const add = (what: string, by: number) => count.set(what, (count.get(what) ?? 0) + by);
  for (const kind of originals.activeResources()) if (!NOT_THE_PLUGINS.has(kind)) add(kind, 1);
  add('timer', timers.count());
  // One that was unref'd keeps no process alive, and answers all the same.
  add('server', [...servers].filter((server) => server.listening).length);
  add('question to the platform', asked());
  return [...count].flatMap(([what, times]) => (times > 0 ? [`${what} ×${times}`] : []));
}
