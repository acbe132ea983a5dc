import { PlatformError } from '@verifywise/contracts';
import type { AlertLine } from '../installation/records.ts';
import type { Actor, Transact } from '../installation/transaction.ts';

export type AcknowledgeAlert = (tenant: string, alertId: string, actor: Actor) => Promise<AlertLine>;

/** An admin has seen it. Whoever does so first is kept; a second time changes nothing. */
export function createAcknowledgeAlert(transact: Transact): AcknowledgeAlert {
  return (tenant, alertId, actor) =>
    transact(async (tx) => {
      const found = await tx.acknowledgeAlert(tenant, alertId, actor);
      if (found === null)
        throw new PlatformError('ALERT_NOT_FOUND', 'There is no such alert; GET /api/plugins/alerts lists them');
      const { alert, first } = found;
      if (!first) return alert;
      const { pluginId, message, severity } = alert;
      const after = { alertId, severity, message };
      await tx.audit(tenant, { pluginId, action: 'acknowledge-alert', actor, after });
      return alert;
    });
}
