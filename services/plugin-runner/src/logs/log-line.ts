import type { LogLevel } from '../isolate/protocol.ts';

/** From the least to the most severe. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

/** One line of a plugin's log on its way to where every runner can read it. */
export interface NewLine {
  tenant: string;
  pluginId: string;
  version: string;
  at: Date;
  level: LogLevel;
  message: string;
  /** JSON; null when there is none. */
  meta: string | null;
}

/** One line as an admin reads it. */
export interface LogLine {
  /** Grows with every line of a plugin; the cursor of `before`, `after` and `Last-Event-ID`. */
  id: string;
  at: Date;
  level: LogLevel;
  version: string;
  message: string;
  meta: unknown;
}

export interface LogFilter {
  /** Lines at least this severe. */
  level?: LogLevel;
  /** Lines whose message contains this, in upper or lower case. */
  search?: string;
}

export interface LogQuery extends LogFilter {
  /** Older than the line with this id. */
  before?: string;
  /** Newer than the line with this id. */
  after?: string;
  since?: Date;
  limit: number;
}

/** The lines of all plugins, the same from every runner. */
export interface LogRecords {
  /** Stores lines in the order given; of one tenant, a later line has a higher id, whichever runner wrote it. */
  add(lines: readonly NewLine[]): Promise<void>;
  /** Leaves the newest `keep` lines of a plugin. */
  trim(tenant: string, pluginId: string, keep: number): Promise<void>;
  /** Removes what is too old, of all plugins. */
  removeOld(): Promise<void>;
  /** Newest first. */
  newest(tenant: string, pluginId: string, query: LogQuery): Promise<LogLine[]>;
  /** Lines after the one with this id, oldest first. */
  following(tenant: string, pluginId: string, after: string, filter: LogFilter, limit: number): Promise<LogLine[]>;
  /** The id of the newest line; `0` when there is none. */
  lastId(tenant: string, pluginId: string): Promise<string>;
  /** Whether the tenant has the plugin, or had it and its lines are still there. */
  knows(tenant: string, pluginId: string): Promise<boolean>;
}
