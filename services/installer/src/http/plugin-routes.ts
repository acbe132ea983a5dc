import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import { success } from '@verifywise/service-kit';
import type { ChangeConfig } from '../config/change-config.ts';
import type { ViewConfig } from '../config/config-view.ts';
import type { ChangePermissions } from '../installation/change-permissions.ts';
import type { ViewDependencies } from '../installation/view-dependencies.ts';
import type { ViewPlugins } from '../installation/plugin-view.ts';
import type { Records } from '../installation/records.ts';
import { pluginIn, type Api } from './api.ts';
import { actorOf } from './operation-answer.ts';
import { configBody, listQuery, permissionsBody } from './request-schemas.ts';
import { shownAlert, shownError, shownPlugin } from './shown-errors.ts';

const WHERE_TO_LOOK = 'GET /api/plugins lists what is there, GET /api/marketplace what can be installed';

interface Needs {
  plugins: ViewPlugins;
  records: Records;
  viewDependencies: ViewDependencies;
  viewConfig: ViewConfig;
  changeConfig: ChangeConfig;
  changePermissions: ChangePermissions;
}

/** What a tenant has: its plugins, their settings, permissions, errors and history. */
export function addPluginRoutes(api: Api, needs: Needs): void {
  const { plugins, records, viewDependencies, viewConfig, changeConfig, changePermissions } = needs;
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
    { ...get, path: '/api/plugins', summary: 'Installed and built-in plugins', answers: { 200: 'The plugins' } },
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
      answers: { 200: 'Counts' },
    },
    async (_req, res, { tenant }) => {
      res.json(success(await plugins.stats(tenant)));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/alerts',
      summary: 'What needs an admin’s eyes, newest first',
      query: listQuery,
      answers: { 200: 'Alerts' },
    },
    async (req, res, who) => {
      const alerts = await records.alerts(who.tenant, limitOf(req.query));
      res.json(success(alerts.map((alert) => shownAlert(alert, who))));
    },
  );
  api.add(
    { ...get, path: '/api/plugins/:id', summary: 'One plugin', answers: { 200: 'The plugin' } },
    async (req, res, who) => {
      res.json(success(shownPlugin(await known(who.tenant, pluginIn(req)), who)));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/dependencies',
      summary: 'What it needs, and what needs it',
      answers: { 200: 'Both' },
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
      answers: { 200: 'Errors, newest first' },
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
      path: '/api/plugins/:id/audit',
      summary: 'Who changed what and when; kept also after an uninstallation',
      query: listQuery,
      answers: { 200: 'Newest first' },
    },
    async (req, res, { tenant }) => {
      res.json(success(await records.audit(tenant, pluginIn(req), limitOf(req.query))));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/config',
      summary: 'Settings and their schema; of secrets, only which are set',
      answers: { 200: 'The settings' },
    },
    async (req, res, { tenant }) => {
      res.json(success(await viewConfig(tenant, pluginIn(req))));
    },
  );
  api.add(
    {
      method: 'put',
      role: 'Admin',
      path: '/api/plugins/:id/config',
      summary: 'Changes settings',
      body: configBody,
      answers: { 200: 'The settings as they are now' },
    },
    async (req, res, who) => {
      const { config } = req.body as { config: Record<string, unknown> };
      await changeConfig(who.tenant, pluginIn(req), { changes: config, actor: actorOf(who) });
      res.json(success(await viewConfig(who.tenant, pluginIn(req))));
    },
  );
  api.add(
    {
      ...get,
      path: '/api/plugins/:id/permissions',
      summary: 'Declared and granted permissions',
      answers: { 200: 'Both' },
    },
    async (req, res, { tenant }) => {
      const { permissions, granted } = await known(tenant, pluginIn(req));
      res.json(success({ declared: permissions, granted }));
    },
  );
  api.add(
    {
      method: 'put',
      role: 'Admin',
      path: '/api/plugins/:id/permissions',
      summary: 'Grants permissions, or takes them away',
      body: permissionsBody,
      answers: { 200: 'Declared and granted permissions' },
    },
    async (req, res, who) => {
      const { granted } = req.body as { granted: Permission[] };
      res.json(success(await changePermissions(who.tenant, pluginIn(req), granted, actorOf(who))));
    },
  );
}

/** The query was checked, and its default filled in. */
function limitOf(query: unknown): number {
  return (query as { limit: number }).limit;
}
