import { ADMIN_ROLE } from '@verifywise/contracts';
import { checked, identityOf, requireRole, success } from '@verifywise/service-kit';
import express, { type RequestHandler, type Router } from 'express';
import type { ManageJobs } from '../schedules/manage-jobs.ts';
import { adminViewOf, runViewOf } from '../schedules/schedule-view.ts';
import { jobRoutesDescribed as described } from './openapi.ts';

/** What the guards of the doors are: who asks, and whether the same POST was answered before. */
export interface Guards {
  identity: RequestHandler;
  once: RequestHandler;
}

export function jobRoutes(jobs: ManageJobs, { identity, once }: Guards): Router {
  const router = express.Router();
  const admin: RequestHandler[] = [identity, requireRole(ADMIN_ROLE), once];

  router.get(described.list.path, identity, checked(described.list), async (req, res) => {
    const schedules = await jobs.list(identityOf(req).tenant, String(req.params.id));
    res.json(success(schedules.map(adminViewOf)));
  });
  router.get(described.runs.path, identity, checked(described.runs), async (req, res) => {
    const fires = await jobs.runs(identityOf(req).tenant, String(req.params.id), String(req.params.name));
    res.json(success(fires.map(runViewOf)));
  });
  router.post(described.run.path, ...admin, checked(described.run), async (req, res) => {
    const fire = await jobs.runNow(identityOf(req).tenant, String(req.params.id), String(req.params.name));
    res.status(202).json(success({ fireId: fire.id }));
  });
  router.post(described.pause.path, ...admin, checked(described.pause), async (req, res) => {
    res.json(
      success(adminViewOf(await jobs.pause(identityOf(req).tenant, String(req.params.id), String(req.params.name)))),
    );
  });
  router.post(described.resume.path, ...admin, checked(described.resume), async (req, res) => {
    res.json(
      success(adminViewOf(await jobs.resume(identityOf(req).tenant, String(req.params.id), String(req.params.name)))),
    );
  });
  return router;
}
