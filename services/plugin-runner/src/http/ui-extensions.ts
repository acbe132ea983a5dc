import { Router } from 'express';
import type { RequestHandler } from 'express';
import { identityOf, route, success } from '@verifywise/service-kit';
import type { ShownUis } from '../ui/shown-ui.ts';

const owned = { pluginId: { type: 'string' }, title: { type: 'string' }, template: { type: 'string' } };

export const uiExtensionsRoute = route({
  method: 'get',
  path: '/api/plugins/ui-extensions',
  summary: "What the tenant's enabled plugins add to the pages of the platform",
  role: 'any',
  answers: {
    200: {
      description: 'Dashboard widgets and pages of enabled plugins (S:13.3).',
      data: {
        type: 'object',
        properties: {
          dashboardWidgets: {
            type: 'array',
            items: {
              type: 'object',
              properties: { widgetId: { type: 'string' }, ...owned, endpoint: { type: 'string' }, config: {} },
            },
          },
          pages: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                type: { enum: ['template', 'iframe', 'api'] },
                ...owned,
                endpoint: { type: 'string' },
                url: { type: 'string' },
              },
            },
          },
        },
      },
    },
  },
});

/** `GET /api/plugins/ui-extensions` (S:13.3), the same from every runner. */
export function uiExtensions(identity: RequestHandler, shown: ShownUis): Router {
  const router = Router();
  router.get(uiExtensionsRoute.path, identity, async (req, res) => {
    const offered = await shown.ofTenant(identityOf(req).tenant);
    res.json(
      success({
        dashboardWidgets: offered.flatMap(({ widgets }) => widgets),
        pages: offered.flatMap(({ pages }) => pages),
      }),
    );
  });
  return router;
}
