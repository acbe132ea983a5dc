import type { Actor, AlertSeverity, Fact, PluginFailure, SecretPlace } from '@verifywise/contracts';
import type { AuditEntry } from '../audit/audit-log.ts';
import type { ConfigRecord, InstalledRecord, PluginError } from './installed-plugin.ts';
import type { AlertLine } from './records.ts';

export type { Actor };

export interface ConfigChange {
  pluginId: string;
  /** `limit`; `proxy/host` when it stands in an object. */
  place: SecretPlace;
  secret: boolean;
  /** Absent for secrets: that they changed is history, what they were is not. */
  before?: unknown;
  after?: unknown;
  actor: Actor;
}

export interface Alert {
  pluginId: string;
  version: string;
  message: string;
  severity: AlertSeverity;
  suggestedFix?: string;
  failure?: PluginFailure;
}

/** One failure of a plugin, as a runner reported it. */
export interface FailureEntry {
  reportId: string;
  generation: number;
  error: PluginError;
}

/** Everything that changes together: rows, the facts about them, and the audit log. */
export interface Transaction {
  /** Locked until the transaction ends. */
  lockInstallation(tenant: string, pluginId: string): Promise<InstalledRecord | null>;
  findConfig(tenant: string, pluginId: string): Promise<ConfigRecord | null>;
  /** Higher than every generation given before, whatever the plugin. */
  nextGeneration(): Promise<number>;
  saveInstallation(record: InstalledRecord): Promise<void>;
  removeInstallation(tenant: string, pluginId: string): Promise<void>;
  saveConfig(config: ConfigRecord): Promise<void>;
  removeConfig(tenant: string, pluginId: string): Promise<void>;
  recordConfigChange(tenant: string, change: ConfigChange): Promise<void>;
  /** Of an entry about an operation, what was asked for is kept with it. */
  audit(tenant: string, entry: AuditEntry): Promise<void>;
  /** Stored, and published as a fact for whoever notifies admins; an alert with an id that is known is not repeated. */
  alert(tenant: string, alert: Alert, id: string): Promise<void>;
  /** The alert as it is then, and whether nobody had acknowledged it before; null when the tenant has no such alert. */
  acknowledgeAlert(tenant: string, id: string, actor: Actor): Promise<{ alert: AlertLine; first: boolean } | null>;
  /** False when this report was recorded before. What is too old to count anywhere goes. */
  recordFailure(tenant: string, pluginId: string, failure: FailureEntry): Promise<boolean>;
  /** How often the plugin has failed since that moment, in the life that began with that generation. */
  countFailures(tenant: string, pluginId: string, since: Date, sinceGeneration: number): Promise<number>;
  /** The plugin is to be started again after so long, unless it has another generation by then. */
  startLater(tenant: string, pluginId: string, generation: number, pauseMs: number): Promise<void>;
  /** The generation of a start that is due, which is then nobody else's to make. */
  takeDueStart(tenant: string, pluginId: string): Promise<number | null>;
  publish<Payload>(fact: Fact<Payload>, tenant: string, payload: Payload): Promise<void>;
  /** Tells the owner of the tenant's partition what the installation is now. */
  tellRunner(record: InstalledRecord): Promise<void>;
  tellRunnerToForget(tenant: string, pluginId: string, generation: number): Promise<void>;
}

export type Transact = <Result>(work: (transaction: Transaction) => Promise<Result>) => Promise<Result>;
