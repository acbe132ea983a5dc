import { Router } from 'express';
import type { RequestHandler } from 'express';
import { identityOf, route, success } from '@verifywise/service-kit';
import type { Surfaces } from '../messages/find-surface.ts';

export const uiExtensionsRoute = route({
  method: 'get',
  path: '/api/plugins/ui-extensions',
  summary: "What the tenant's enabled plugins add to the pages of the platform",
  role: 'any',
  answers: { 200: 'Dashboard widgets of enabled plugins (S:13.3).' },
});

/** `GET /api/plugins/ui-extensions` (S:13.3), the same from every runner. */
export function uiExtensions(identity: RequestHandler, surfaces: Surfaces): Router {
  const router = Router();
  router.get(uiExtensionsRoute.path, identity, async (req, res) => {
    const offered = await surfaces.ofTenant(identityOf(req).tenant);
    res.json(success({ dashboardWidgets: offered.flatMap(({ surface }) => surface.widgets) }));
  });
  return router;
}
