import type { Envelope, FailedDeliverySelection, Page, Person, ReplayOutcome } from '@verifywise/contracts';
import type { LaneName, Tenure } from './parked-events.ts';

/** An event that a plugin's handler did not take; kept for an admin to see and replay (architecture §6). */
export interface FailedDelivery {
  id: string;
  tenant: string;
  pluginId: string;
  version: string;
  event: string;
  envelope: Envelope;
  /** Which of the plugin's handlers it was; -1 when nobody knows. */
  handler: number;
  attempts: number;
  /** The same for errors that are alike. */
  fingerprint: string;
  error: { message: string; stack?: string | undefined };
}

/** Where a failed delivery is written down while its event is delivered. */
export interface FailedDeliveries {
  add(failed: FailedDelivery): Promise<void>;
  /** One was given up: the database can never keep it. */
  refused(): void;
}

/** A failed delivery as it is listed; its event is shown by itself, since it may be large. */
export interface FailedDeliveryLine extends Omit<FailedDelivery, 'tenant' | 'pluginId' | 'envelope'> {
  eventId: string;
  failedAt: Date;
}

export interface FailedDeliveryView extends FailedDeliveryLine {
  payload: unknown;
}

/** Failures that are alike. */
export interface FailureGroup {
  fingerprint: string;
  event: string;
  /** Of the last one. */
  message: string;
  count: number;
  firstAt: Date;
  lastAt: Date;
}

export type DeliveryAction = 'replay' | 'discard';

/** What an admin did with failed deliveries. */
export interface DeliveryAuditLine {
  id: string;
  at: Date;
  action: DeliveryAction;
  actor: Person;
  selection: FailedDeliverySelection;
  /** How many it was done with. */
  count: number;
}

/** Failed deliveries as admins see them, and what they do with them. */
export interface FailedDeliveryRecords {
  list(of: LaneName, selection: FailedDeliverySelection, page: DeliveryPage): Promise<Page<FailedDeliveryLine>>;
  find(of: LaneName, id: string): Promise<FailedDeliveryView | null>;
  groups(of: LaneName): Promise<FailureGroup[]>;
  count(of: LaneName, selection: FailedDeliverySelection): Promise<number>;
  /** They are of no use to anybody any more. */
  discard(of: LaneName, selection: FailedDeliverySelection, actor: Person): Promise<number>;
  audit(of: LaneName, page: DeliveryPage): Promise<Page<DeliveryAuditLine>>;
}

export interface DeliveryPage {
  limit: number;
  /** Only what comes behind this one; `next` of the page before. */
  before?: string | null | undefined;
}

/** Parks failed deliveries for their plugin, behind what is parked for it. */
export interface DeliveryReplays {
  /** Null when this runner does not hold the partition any more. */
  replay(
    of: LaneName,
    asked: { selection: FailedDeliverySelection; actor: Person },
    tenure: Tenure,
  ): Promise<ReplayOutcome | null>;
}
