import type { ErrorCode, Page } from '@verifywise/contracts';
import type { Actor } from '../installation/transaction.ts';

/** What came of it: `unchanged` when the plugin was as wanted already. */
export type AuditOutcome = 'succeeded' | 'failed' | 'unchanged';

/** What an admin does. */
export const auditActions = [
  ...['install', 'install-from-url', 'upload', 'update', 'rollback', 'enable', 'disable', 'uninstall'],
  ...['config', 'permissions', 'acknowledge-alert'],
];

export interface AuditEntry {
  pluginId: string;
  /** One of `auditActions`. */
  action: string;
  actor: Actor;
  /** What is different, as it was and as it is now; secrets are masked. */
  before?: unknown;
  after?: unknown;
  operationId?: string;
  outcome?: AuditOutcome;
  error?: AuditError;
}

export interface AuditError {
  code: ErrorCode;
  message: string;
}

/** An entry as it is read back. */
export interface AuditLine {
  id: string;
  at: string;
  pluginId: string;
  action: string;
  actor: Actor;
  outcome: AuditOutcome;
  error: AuditError | null;
  before: unknown;
  after: unknown;
  operationId: string | null;
  /** The operation that this one was part of: dependencies, and dependents that go as well. */
  parentOperationId: string | null;
  /** What was asked for: `version`, `force`, `cascade`, `deleteData`, … */
  request: Record<string, unknown> | null;
}

export interface AuditQuery {
  limit: number;
  /** Lines before this one. */
  before?: string;
  pluginId?: string;
  action?: string;
  userId?: string;
}

/** Who changed which setting when, newest first. Of a secret only that it changed. */
export interface ConfigHistoryLine {
  id: string;
  at: string;
  field: string;
  secret: boolean;
  before: unknown;
  after: unknown;
  actor: Actor;
}

export interface HistoryQuery {
  limit: number;
  before?: string;
  field?: string;
}

/** The logs that are only ever added to; entries are written with the change they tell of (Transaction). */
export interface AuditLogs {
  audit(tenant: string, query: AuditQuery): Promise<Page<AuditLine>>;
  configHistory(tenant: string, pluginId: string, query: HistoryQuery): Promise<Page<ConfigHistoryLine>>;
}
