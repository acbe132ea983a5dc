import type { Envelope } from '@verifywise/contracts';

/** An event that a plugin's handler did not take; kept for an admin to see and replay (architecture §6). */
export interface FailedDelivery {
  id: string;
  tenant: string;
  pluginId: string;
  version: string;
  event: string;
  envelope: Envelope;
  error: { message: string; stack?: string | undefined };
}

export interface FailedDeliveries {
  add(failed: FailedDelivery): Promise<void>;
  /** One was given up: the database can never keep it. */
  refused(): void;
}
