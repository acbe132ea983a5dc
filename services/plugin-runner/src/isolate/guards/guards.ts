import type { Server } from 'node:net';
import { syncBuiltinESMExports } from 'node:module';
import type { LiveSettings } from '../live-settings.ts';
import { guardDatagrams } from './datagrams.ts';
import type { Denials } from './denials.ts';
import type { Egress } from './egress.ts';
import { guardFiles } from './files.ts';
import { guardHandles } from './handles.ts';
import { guardNames } from './names.ts';
import { guardNetwork } from './network.ts';
import { guardProcesses } from './processes.ts';
import type { PluginTimers } from './timers.ts';
import { guardWeb } from './web.ts';

export interface GuardParts {
  settings: LiveSettings;
  denials: Denials;
  egress: Egress;
  /** Servers that the plugin listens with, kept by the guard. */
  servers: Set<Server>;
}

/**
 * Puts the guards between plugin code and Node. The built-in modules themselves are changed, once and before the plugin is loaded, so that
 * it makes no difference how a plugin or a library in its package comes by them. What is granted is asked at every call.
 */
export function installGuards(parts: GuardParts, timers: PluginTimers): void {
  // First, while the functions that make handles still are Node's.
  guardHandles(parts);
  guardNetwork(parts);
  guardDatagrams(parts);
  guardNames(parts);
  guardWeb(parts);
  guardFiles(parts);
  guardProcesses(parts);
  timers.install();
  syncBuiltinESMExports();
}
