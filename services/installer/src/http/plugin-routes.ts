import { actorOf, PlatformError } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { ChangePermissions } from '../installation/change-permissions.ts';
import { permissionsView } from '../installation/permissions-view.ts';
import type { ViewDependencies } from '../installation/view-dependencies.ts';
import type { ViewPlugins } from '../installation/plugin-view.ts';
import type { Records } from '../installation/records.ts';
import { pluginIn, type Api } from './api.ts';
import { permissionsAnswer } from './answer-schemas.ts';
import { permissionsIn } from './permissions-in.ts';
import { dependenciesAnswer, errorsAnswer, pluginAnswer, pluginsAnswer, statsAnswer } from './plugin-schemas.ts';
import { listQuery, permissionsBody } from './request-schemas.ts';
import { shownError, shownPlugin } from './shown-errors.ts';

const WHERE_TO_LOOK = 'GET /api/plugins lists what is there, GET /api/marketplace what can be installed';

interface Needs {
  plugins: ViewPlugins;
  records: Records;
  viewDependencies: ViewDependencies;
  changePermissions: ChangePermissions;
}

/** What a tenant has: its plugins, their permissions and errors. */
export function addPluginRoutes(api: Api, needs: Needs): void {
  const { plugins, records, viewDependencies, changePermissions } = needs;
  const known = async (tenant: string, id: string) => {
    const plugin = await plugins.find(tenant, id);
    if (plugin === null)
      throw new PlatformError(
        'PLUGIN_NOT_FOUND',
        `Plugin ${id} is not installed and does not ship with the platform; ${WHERE_TO_LOOK}`,
      );
    return plugin;
  };
  const get = { method: 'get', role: 'any' } as const;

  api.add(
    {
      ...get,
      path: '/api/plugins',
      summary: 'Installed and built-in plugins',
      answers: { 200: { description: 'The plugins', data: pluginsAnswer } },
    },
    async (_req, res, who) => {
      const all = (await plugins.list(who.tenant)).map((plugin) => shownPlugin(plugin, who));
      res.json(success({ plugins: all, total: all.length }));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/stats',
      summary: 'How many plugins there are in which state',
      answers: { 200: { description: 'Counts', data: statsAnswer } },
    },
    async (_req, res, { tenant }) => {
      res.json(success(await plugins.stats(tenant)));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id',
      summary: 'One plugin',
      answers: { 200: { description: 'The plugin', data: pluginAnswer } },
    },
    async (req, res, who) => {
      res.json(success(shownPlugin(await known(who.tenant, pluginIn(req)), who)));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/dependencies',
      summary: 'What it needs, and what needs it',
      answers: { 200: { description: 'Both', data: dependenciesAnswer } },
    },
    async (req, res, { tenant }) => {
      const { id, dependencies } = await known(tenant, pluginIn(req));
      res.json(success(await viewDependencies(tenant, id, dependencies)));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/errors',
      summary: 'The last error, failures while it was enabled, and the steps that failed; stacks for role Admin',
      query: listQuery,
      answers: { 200: { description: 'Errors, newest first', data: errorsAnswer } },
    },
    async (req, res, who) => {
      const { id, lastError } = shownPlugin(await known(who.tenant, pluginIn(req)), who);
      const limit = limitOf(req.query);
      const failures = (await records.failures(who.tenant, id, limit)).map((error) => shownError(error, who));
      const failedSteps = (await records.failedSteps(who.tenant, id, limit)).map((error) => shownError(error, who));
      res.json(success({ lastError, failures, failedSteps }));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/permissions',
      summary: 'Declared and granted permissions; of one that is not installed, nothing is granted',
      answers: { 200: { description: 'Both, and how they differ', data: permissionsAnswer } },
    },
    async (req, res, { tenant }) => {
      res.json(success(permissionsView(await known(tenant, pluginIn(req)))));
    },
  );
  api.add(
    {
      method: 'put',
      role: 'Admin',
      path: '/api/plugins/:id/permissions',
      summary: 'Grants permissions, or takes them away; counts at once',
      body: permissionsBody,
      answers: { 200: { description: 'Both, and how they differ', data: permissionsAnswer } },
    },
    async (req, res, who) => {
      const granted = permissionsIn('granted', (req.body as { granted: string[] }).granted);
      res.json(success(await changePermissions(who.tenant, pluginIn(req), granted, actorOf(who))));
    },
  );
}

/** The query was checked, and its default filled in. */
function limitOf(query: unknown): number {
  return (query as { limit: number }).limit;
}
