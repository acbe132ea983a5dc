import { Router } from 'express';
import type { Entity } from '../entities/entity.ts';
import { pathOf } from './entity-descriptions.ts';
import { pageHtml } from './page.ts';
import type { PageFacts } from './page.ts';

/** The page at / that says what runs here. */
export function pageRoutes(facts: Omit<PageFacts, 'origin' | 'paths'>, entities: readonly Entity[]): Router {
  const router = Router();
  const paths = entities.map(pathOf);
  router.get('/', (req, res) => {
    const origin = `${req.protocol}://${req.get('host') ?? 'localhost'}`;
    res.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
    res.type('html').send(pageHtml({ ...facts, origin, paths }));
  });
  return router;
}
