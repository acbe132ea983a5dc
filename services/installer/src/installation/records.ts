import type { AlertSeverity, PluginFailure } from '@verifywise/contracts';
import type { PluginError } from './installed-plugin.ts';
import type { Actor } from './transaction.ts';

export interface AlertLine {
  id: string;
  pluginId: string;
  version: string;
  message: string;
  severity: AlertSeverity;
  suggestedFix: string | null;
  failure: PluginFailure | null;
  at: string;
  /** The admin who has seen it first, and when; null while nobody has. */
  acknowledgedBy: Actor | null;
  acknowledgedAt: string | null;
}

export interface AlertQuery {
  limit: number;
  acknowledged?: boolean;
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
  alerts(tenant: string, query: AlertQuery): Promise<AlertLine[]>;
  /** Failures while it was enabled, also those after which it was started again. */
  failures(tenant: string, pluginId: string, limit: number): Promise<PluginError[]>;
  /** Steps of operations that failed. */
  failedSteps(tenant: string, pluginId: string, limit: number): Promise<ErrorLine[]>;
}
