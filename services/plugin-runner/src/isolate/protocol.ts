import { inspect } from 'node:util';
import type {
  ErrorCode,
  HostRequest,
  HostResponse,
  LifecycleHook,
  MiddlewareState,
  Surface,
} from '@verifywise/contracts';
import type {
  AssociationKind,
  AssociationOptions,
  EventOptions,
  MiddlewarePosition,
  ModelAttributes,
  ModelOptions,
  Permission,
  PluginManifest,
  ScheduledJob,
} from '@verifywise/plugin-types';

/**
 * What the runner and an isolate say to each other over the pipe between them (message-pipe.ts). Who the isolate is follows from the channel;
 * nothing in these messages names a tenant or a plugin that the runner would believe.
 */

/** What an admin may change while the plugin runs. */
export interface IsolateSettings {
  granted: Permission[];
  /** Only sent when `config:read` is granted. */
  config: Record<string, unknown> | null;
}

/** What an isolate must know before it can load the plugin's code. */
export interface IsolateSetup extends IsolateSettings {
  tenant: string;
  pluginId: string;
  manifest: PluginManifest;
  /** Folder of the plugin's own files. */
  folder: string;
  /** File in it to load; null for a plugin without code. */
  entry: string | null;
  /** Where the isolate serves its HTTP. */
  socketPath: string;
  /** What a request there must carry; without it nobody is believed. */
  socketToken: string;
  /** The plugin's own folder to write to, when `filesystem:write` or `filesystem:read` is granted. */
  scratchFolder: string | null;
  /** Addresses beyond the internet that the operator lets plugins reach: host names, addresses, ranges, each with or without a port. */
  egressAllowed: string[];
  /** Definitions from earlier lives of this version. */
  models: StoredModels;
  /** The platform's models that the host offers: name and attributes. */
  coreModels: CoreModel[];
}

export interface ModelDefinition {
  name: string;
  attributes: ModelAttributes;
  options: ModelOptions;
}

export interface ModelAssociation {
  source: string;
  kind: AssociationKind;
  target: string;
  options: AssociationOptions;
}

export interface StoredModels {
  definitions: ModelDefinition[];
  associations: ModelAssociation[];
}

export interface CoreModel {
  name: string;
  attributes: string[];
}

export interface HookCall {
  hook: LifecycleHook;
  options: { reason?: 'install' | 'update'; fromVersion?: string; deleteData?: boolean };
  /** Nobody waits for it: what is not granted is left out, and the plugin goes on without it. */
  atStart?: boolean;
}

export interface EventCall {
  event: string;
  payload: Record<string, unknown>;
  /** Only these are called: those that failed, or were left, the last time. */
  handlers?: number[];
  /** Milliseconds each handler may take. */
  limitMs: number;
  /** Other events may be handled at the same time. */
  beside?: boolean;
}

export interface EventAnswer {
  errors: HandlerFailure[];
  /** Handlers that were not called yet, because the ones before them have taken their time. */
  left: number[];
}

/** What one of the plugin's handlers threw. */
export interface HandlerFailure extends WireError {
  /** Names the handler in its isolate. */
  handler: number;
  retry?: EventOptions['retry'];
}

export interface JobCall {
  schedule: string;
  data: unknown;
  jobId: string;
  attempt: number;
}

/** Handlers of one filter in this isolate, to be run one after the other. */
export interface FilterCall {
  filter: string;
  handlers: number[];
  data: Record<string, unknown>;
  /** Milliseconds each handler may take. */
  limitMs: number;
  /** Milliseconds all of them may take; those that have not begun by then are left out. */
  deadlineMs: number;
  /** The filters inside of whose handlers this one was applied, outermost first. */
  within: string[];
}

export interface FilterAnswer {
  data: Record<string, unknown>;
  applied: number;
  errors: WireError[];
}

/** Middleware of this isolate that matches one request, to be run one after the other. */
export interface MiddlewareCall {
  phase: MiddlewarePosition;
  entries: { id: string; params: Record<string, string> }[];
  request: HostRequest;
  state: MiddlewareState;
  /** In `after` what the route has answered; in `before` what earlier plugins have set for it. */
  response?: HostResponse;
  /** Milliseconds each may take. */
  limitMs: number;
  /** Milliseconds all of them may take; those that have not begun by then count as late. */
  deadlineMs: number;
}

export type MiddlewareAnswer =
  | {
      kind: 'continue';
      request: Pick<HostRequest, 'headers' | 'body'>;
      response?: HostResponse;
      state: MiddlewareState;
      failures: WireError[];
    }
  | { kind: 'respond'; response: HostResponse; state: MiddlewareState; failures: WireError[] }
  /** One that is to fail closed did not go on. */
  | { kind: 'refuse'; failures: WireError[] };

/** What the runner asks of an isolate; each is answered once. */
export interface IsolateCalls {
  /** Loads the plugin's code. */
  /** Answers whether there is anything to ask by HTTP: routes or webhooks. */
  setup: { request: IsolateSetup; answer: { servesHttp: boolean } };
  hook: { request: HookCall; answer: Surface };
  event: { request: EventCall; answer: EventAnswer };
  job: { request: JobCall; answer: 'done' | 'no-handler' };
  /** Replaces what is granted and what `context.config` reads. */
  settings: { request: IsolateSettings; answer: null };
  filter: { request: FilterCall; answer: FilterAnswer };
  middleware: { request: MiddlewareCall; answer: MiddlewareAnswer };
  /** What of the plugin's own still waits for something (timers, sockets, servers); empty when its process may be stopped. */
  awake: { request: null; answer: string[] };
  /** Proves that the event loop turns. */
  ping: { request: null; answer: null };
}

/** What an isolate asks of the runner; the runner checks what is granted. */
export interface RunnerCalls {
  'metadata.get': { request: [type: string, id: number, key: string]; answer: unknown };
  'metadata.set': { request: [type: string, id: number, values: Record<string, unknown>]; answer: null };
  'metadata.delete': { request: [type: string, id: number, key: string]; answer: boolean };
  'metadata.getAll': { request: [type: string, id: number]; answer: Record<string, unknown> };
  'metadata.deleteAll': { request: [type: string, id: number]; answer: number };
  'metadata.findByKey': { request: [type: string, key: string, value: unknown]; answer: WireMetadataEntry[] };
  'metadata.findByKeyPrefix': { request: [type: string, prefix: string]; answer: WireMetadataEntry[] };
  'metadata.getAllByPlugin': { request: []; answer: WireMetadataEntry[] };
  'metadata.deleteByPlugin': { request: []; answer: number };
  'config.set': { request: [key: string, value: unknown]; answer: Record<string, unknown> | null };
  'events.emit': { request: [event: string, payload: Record<string, unknown>]; answer: null };
  'scheduler.schedule': { request: [name: string, timing: Record<string, unknown>, data: unknown]; answer: null };
  'scheduler.cancel': { request: [name: string | null]; answer: number };
  'scheduler.list': { request: []; answer: WireSchedule[] };
  'plugins.isEnabled': { request: [pluginId: string]; answer: boolean };
  /** Outside of a transaction when `transaction` is null. */
  'db.query': { request: [sql: string, params: unknown[], transaction: number | null]; answer: WireRows };
  'db.begin': { request: []; answer: number };
  'db.commit': { request: [transaction: number, events: WireEvent[]]; answer: null };
  'db.rollback': { request: [transaction: number]; answer: null };
  'filters.apply': {
    request: [filter: string, data: Record<string, unknown>, within: string[]];
    answer: Record<string, unknown>;
  };
  'models.define': { request: [definition: ModelDefinition]; answer: null };
  'models.associate': { request: [association: ModelAssociation]; answer: null };
  'models.sync': { request: [options: { force?: boolean; alter?: boolean }]; answer: null };
  'models.dropAll': { request: []; answer: null };
  /** One verb of a model (`findAll`, `create`, …) with its arguments; `core` for the platform's models. */
  'models.run': { request: [of: 'own' | 'core', model: string, verb: string, args: unknown[]]; answer: unknown };
}

export interface WireMetadataEntry {
  entityType: string;
  entityId: number;
  key: string;
  value: unknown;
  updatedAt: Date;
}

export interface WireRows {
  rows: Record<string, unknown>[];
  rowCount: number;
}

export interface WireEvent {
  event: string;
  payload: Record<string, unknown>;
}

export interface WireSchedule {
  name: string;
  cron?: string;
  every?: number;
  once: boolean;
  nextRun: string | null;
  lastRun: string | null;
  lastOutcome: ScheduledJob['lastOutcome'];
  attempts: number;
  paused: boolean;
  data?: unknown;
}

export interface WireError {
  message: string;
  code?: ErrorCode | undefined;
  /** The code of what caused it: `ECONNREFUSED` of a fetch that failed. */
  causeCode?: string | undefined;
  stack?: string | undefined;
  details?: unknown;
  /** Of a plugin: it has only let through what the platform had answered it. */
  answered?: boolean | undefined;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type ToIsolate =
  | { kind: 'call'; id: number; call: keyof IsolateCalls; request: unknown }
  | { kind: 'answer'; id: number; answer?: unknown; error?: WireError };

export type FromIsolate =
  | { kind: 'call'; id: number; call: keyof RunnerCalls; request: unknown }
  | { kind: 'answer'; id: number; answer?: unknown; error?: WireError }
  | { kind: 'log'; level: LogLevel; message: string; meta?: unknown }
  /** What the plugin offers has changed while it runs. */
  | { kind: 'surface'; surface: Surface }
  /** Thrown where nobody caught it; the isolate ends after this. */
  | { kind: 'unhandled'; error: WireError };

/** An error as it may cross the channel, in either direction; plugins throw all kinds of things. */
export function wireError(error: unknown): WireError {
  try {
    return described(error);
  } catch {
    // A getter or a trap of the plugin's own threw: what it throws in turn says no more.
    return { message: 'The plugin threw something that cannot be looked at' };
  }
}

/** Far more of it than anybody is shown; the runner masks and cuts it again. */
const LONGEST_TOLD = 256 * 1024;

function described(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: cut(typeof error === 'string' ? error : inspect(error)) };
  const { message, stack } = error as { message: unknown; stack?: unknown };
  const code = (error as { code?: unknown }).code;
  const causeCode = error.cause instanceof Error ? (error.cause as { code?: unknown }).code : undefined;
  return {
    message: cut(typeof message === 'string' ? message : inspect(message)),
    ...(typeof code === 'string' ? { code: code as ErrorCode } : {}),
    ...(typeof causeCode === 'string' ? { causeCode: cut(causeCode) } : {}),
    ...(typeof stack === 'string' ? { stack: cut(stack) } : {}),
  };
}

function cut(text: string): string {
  return text.slice(0, LONGEST_TOLD);
}
