import { actorOf, OPERATOR_ROLE } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requestLogOf, requireRole, success } from '@verifywise/service-kit';
import { Router, type Request } from 'express';
import type { ManageRegistries } from '../registries/manage-registries.ts';
import type { RegistryChange, RegistryReplacement, RegistryRequest } from '../registries/new-registry.ts';
import type { ReadRegistryAudit, RegistryActor, RegistryAuditQuery } from '../registries/registry-audit.ts';
import type { Guards } from './guards.ts';
import { registryDescriptions } from './registry-descriptions.ts';

interface RegistryNeeds {
  registries: ManageRegistries;
  readAudit: ReadRegistryAudit;
}

/** The registries themselves: what belongs to the whole platform needs the role Operator. */
export function registryRoutes({ registries, readAudit }: RegistryNeeds, { identity, once }: Guards): Router {
  const { list, audit, find, add, change, replace, remove, problems } = registryDescriptions;
  const operator = [identity, requireRole(OPERATOR_ROLE)];
  const router = Router();
  router.get(list.path, ...operator, async (_req, res) => {
    res.json(success(await registries.list()));
  });
  router.post(add.path, ...operator, jsonBody(), once, checked({ body: add.body }), async (req, res) => {
    const request = req.body as RegistryRequest;
    const added = await registries.add(request, operatorOf(req));
    requestLogOf(req).info({ registry: request.name, by: identityOf(req).userId }, 'A registry was added');
    res.status(201).json(success(added));
  });
  // Before the registries by their names, none of which is this one.
  router.get(audit.path, ...operator, checked({ query: audit.query }), async (req, res) => {
    res.json(success(await readAudit(req.query as unknown as RegistryAuditQuery)));
  });
  router.get(find.path, ...operator, checked({ params: find.params }), async (req, res) => {
    res.json(success(await registries.find(nameOf(req))));
  });
  router.patch(change.path, ...operator, jsonBody(), checked(change), async (req, res) => {
    const changed = await registries.change(nameOf(req), req.body as RegistryChange, operatorOf(req));
    requestLogOf(req).info({ registry: nameOf(req), by: identityOf(req).userId }, 'A registry was changed');
    res.json(success(changed));
  });
  router.put(replace.path, ...operator, jsonBody(), checked(replace), async (req, res) => {
    const replaced = await registries.replace(nameOf(req), req.body as RegistryReplacement, operatorOf(req));
    requestLogOf(req).info({ registry: nameOf(req), by: identityOf(req).userId }, 'A registry was changed');
    res.json(success(replaced));
  });
  router.delete(remove.path, ...operator, checked({ params: remove.params }), async (req, res) => {
    await registries.remove(nameOf(req), operatorOf(req));
    requestLogOf(req).info({ registry: nameOf(req), by: identityOf(req).userId }, 'A registry was removed');
    res.status(204).end();
  });
  router.get(problems.path, ...operator, checked({ params: problems.params }), async (req, res) => {
    res.json(success(await registries.problems(nameOf(req))));
  });
  return router;
}

function nameOf(req: Request): string {
  return String(req.params['name']);
}

function operatorOf(req: Request): RegistryActor {
  const identity = identityOf(req);
  return { tenant: identity.tenant, ...actorOf(identity) };
}
