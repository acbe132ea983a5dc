import type { Installation, PluginFailure, Surface } from '@verifywise/contracts';
import type { IsolateSetup, LogLevel } from '../isolate/protocol.ts';
import type { KernelTools } from './kernel-tools.ts';
import type { PrivateFolder } from '../package/private-folders.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { OpenDoor } from './isolate-door.ts';
import type { IsolateMemory } from './isolate-memory.ts';
import type { IsolateNotes } from './isolate-notes.ts';
import type { Capabilities } from './isolate-process.ts';
import type { PackageFolders } from './package-folders.ts';
import type { StartReason, StartSlots } from './start-slots.ts';

export interface IsolateLimits {
  heapMb: number;
  hangLimitMs: number;
  handlerLimitMs: number;
}

export type Surroundings = Pick<IsolateSetup, 'scratchFolder' | 'egressAllowed' | 'models' | 'coreModels'>;

/** What a hosted plugin needs of the runner around it. */
export interface HostedPluginParts {
  bundle: string;
  limits: IsolateLimits;
  memory: IsolateMemory;
  tools: KernelTools;
  notes: IsolateNotes;
  packages: PackageFolders;
  /** Whose turn it is to start a process. */
  starts: Record<StartReason, StartSlots>;
  /** A fresh folder for one isolate, and its removal. */
  privateFolder(): Promise<PrivateFolder>;
  openDoor: OpenDoor;
  /** Folders of this machine that the operator lets plugins with `filesystem:read` read. */
  readableFolders: string[];
  /** What else the isolate is told of its place before it loads the plugin; makes its scratch folder when it may have one. */
  surroundings(plugin: HostedPlugin): Promise<Surroundings>;
  capabilities(plugin: HostedPlugin): Capabilities;
  /** The plugin has left this runner: what it wrote to its scratch folder goes. */
  left(plugin: HostedPlugin): Promise<void>;
  /** The settings as the plugin reads them: stored values, opened secrets, defaults. */
  configOf(installation: Installation): Record<string, unknown>;
  /** What the plugin says, without its secrets. */
  mask(installation: Installation, text: string): string;
  log(installation: Installation, level: LogLevel, message: string, meta?: unknown): void;
  surfaceChanged(plugin: HostedPlugin, surface: Surface): void;
  /** The plugin offers nothing any more. */
  surfaceGone(plugin: HostedPlugin): void;
  /** Its process was stopped because it had nothing to do, so that whoever takes over does not start it either. */
  fellAsleep(plugin: HostedPlugin): void;
  woke(plugin: HostedPlugin): void;
  lifecycle(plugin: HostedPlugin, what: 'loaded' | 'unloaded'): void;
  failed(plugin: HostedPlugin, failure: PluginFailure): void;
  /** Its process ends now; what it held in the runner (transactions, connections) is let go. Called before another can start. */
  isolateEnded(plugin: HostedPlugin): void;
}
