import type { AlertSeverity, PluginFailure } from '@verifywise/contracts';
import type { PluginError } from './installed-plugin.ts';
import type { Actor } from './transaction.ts';

export interface AuditLine {
  action: string;
  pluginId: string;
  actor: Actor;
  before: unknown;
  after: unknown;
  operationId: string | null;
  at: string;
}

export interface AlertLine {
  id: string;
  pluginId: string;
  version: string;
  message: string;
  severity: AlertSeverity;
  suggestedFix: string | null;
  failure: PluginFailure | null;
  at: string;
}

export interface ErrorLine {
  operationId: string;
  operation: string;
  step: string;
  code: string;
  message: string;
  stack?: string;
  at: string;
}

/** What happened to a tenant's plugins, newest first. */
export interface Records {
  audit(tenant: string, pluginId: string, limit: number): Promise<AuditLine[]>;
  alerts(tenant: string, limit: number): Promise<AlertLine[]>;
  /** Failures while it was enabled, also those after which it was started again. */
  failures(tenant: string, pluginId: string, limit: number): Promise<PluginError[]>;
  /** Steps of operations that failed. */
  failedSteps(tenant: string, pluginId: string, limit: number): Promise<ErrorLine[]>;
}
