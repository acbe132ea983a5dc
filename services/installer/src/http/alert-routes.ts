import { actorOf } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { AcknowledgeAlert } from '../audit/acknowledge-alert.ts';
import type { AlertQuery, Records } from '../installation/records.ts';
import { alertAnswer } from './answer-schemas.ts';
import type { Api } from './api.ts';
import { alertQuery, emptyBody } from './request-schemas.ts';
import { shownAlert } from './shown-errors.ts';

interface Needs {
  records: Pick<Records, 'alerts'>;
  acknowledgeAlert: AcknowledgeAlert;
}

/** What needs an admin's eyes, and who has seen it. */
export function addAlertRoutes(api: Api, { records, acknowledgeAlert }: Needs): void {
  api.add(
    {
      method: 'get',
      role: 'any',
      path: '/api/plugins/alerts',
      summary: 'What needs an admin’s eyes, newest first',
      query: alertQuery,
      answers: { 200: { description: 'Alerts', data: { type: 'array', items: alertAnswer } } },
    },
    async (req, res, who) => {
      const alerts = await records.alerts(who.tenant, req.query as unknown as AlertQuery);
      res.json(success(alerts.map((alert) => shownAlert(alert, who))));
    },
  );
  api.add(
    {
      method: 'post',
      role: 'Admin',
      path: '/api/plugins/alerts/:alertId/acknowledge',
      summary: 'Says that an admin has seen an alert; who does so first is kept',
      body: emptyBody,
      answers: { 200: { description: 'The alert as it is now', data: alertAnswer } },
    },
    async (req, res, who) => {
      const alert = await acknowledgeAlert(who.tenant, String(req.params.alertId), actorOf(who));
      res.json(success(shownAlert(alert, who)));
    },
  );
}
