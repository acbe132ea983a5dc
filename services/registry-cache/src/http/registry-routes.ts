import { OPERATOR_ROLE } from '@verifywise/contracts';
import { checked, jsonBody, requireRole, success } from '@verifywise/service-kit';
import { Router } from 'express';
import type { ManageRegistries, RegistryRequest } from '../registries/manage-registries.ts';
import type { Guards } from './guards.ts';
import { registryDescriptions } from './registry-descriptions.ts';

/** The registries themselves: what belongs to the whole platform needs the role Operator. */
export function registryRoutes(registries: ManageRegistries, { identity, once }: Guards): Router {
  const { list, add, remove, problems } = registryDescriptions;
  const operator = [identity, requireRole(OPERATOR_ROLE)];
  const router = Router();
  router.get(list.path, ...operator, async (_req, res) => {
    res.json(success(await registries.list()));
  });
  router.post(add.path, ...operator, jsonBody(), once, checked({ body: add.body }), async (req, res) => {
    res.status(201).json(success(await registries.add(req.body as RegistryRequest)));
  });
  router.delete(remove.path, ...operator, checked({ params: remove.params }), async (req, res) => {
    await registries.remove(String(req.params['name']));
    res.status(204).end();
  });
  router.get(problems.path, ...operator, checked({ params: problems.params }), async (req, res) => {
    res.json(success(await registries.problems(String(req.params['name']))));
  });
  return router;
}
