import { success } from '@verifywise/service-kit';
import type { PlanUpdate } from '../installation/plan-update.ts';
import { pluginIn, type Api } from './api.ts';
import { assertVersion } from './names.ts';
import { updatePlanAnswer, updatePlanQuery } from './update-plan-schema.ts';

/** What an update would bring, before somebody asks for it. */
export function addUpdatePlanRoute(api: Api, planUpdate: PlanUpdate): void {
  api.add(
    {
      method: 'get',
      role: 'any',
      path: '/api/plugins/:id/update-plan',
      summary:
        'What an update would change, and why it would be refused; to the newest version that runs here unless one is named',
      query: updatePlanQuery,
      answers: { 200: { description: 'The plan; nothing has been changed', data: updatePlanAnswer } },
    },
    async (req, res, { tenant }) => {
      const { version } = req.query as { version?: string };
      assertVersion(version);
      res.json(success(await planUpdate(tenant, pluginIn(req), version)));
    },
  );
}
