import { expect, test } from '@jest/globals';
import { ownerOfPath } from './owner-of-path.ts';

test.each([
  ['GET /api/marketplace', 'registry-cache'],
  ['GET /api/marketplace/activity-feed/icon', 'registry-cache'],
  ['DELETE /api/marketplace/registries/official', 'registry-cache'],
  ['GET /api/plugins', 'installer'],
  ['GET /api/plugins/', 'installer'],
  ['GET /api/plugins/stats', 'installer'],
  ['POST /api/plugins/install', 'installer'],
  ['POST /api/plugins/install-from-url', 'installer'],
  ['POST /api/plugins/upload', 'installer'],
  ['GET /api/plugins/alerts', 'installer'],
  ['GET /api/plugins/operations/17/events', 'installer'],
  ['GET /api/plugins/activity-feed', 'installer'],
  ['POST /api/plugins/activity-feed/enable', 'installer'],
  ['POST /api/plugins/activity-feed/rollback', 'installer'],
  ['PUT /api/plugins/activity-feed/config', 'installer'],
  ['GET /api/plugins/activity-feed/audit', 'installer'],
  ['GET /api/plugins/activity-feed/config/history', 'installer'],
  ['GET /api/plugins/activity-feed/update-plan', 'installer'],
  ['POST /api/plugins/activity-feed/config/history', 'plugin-runner'],
  ['GET /api/plugins/audit', 'installer'],
  ['POST /api/plugins/alerts/a-1/acknowledge', 'installer'],
  ['GET /api/plugins/ui-extensions', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/logs', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/logs/stream', 'plugin-runner'],
  ['POST /api/plugins/activity-feed/logs', 'plugin-runner'],
  ['POST /api/plugins/activity-feed/deliveries/5/replay', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/activity', 'plugin-runner'],
  ['POST /api/plugins/activity-feed', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/update', 'plugin-runner'],
  ['POST /api/plugins/activity-feed/_/enable', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/_/webhooks', 'plugin-runner'],
  ['GET /api/plugins/activity-feed/jobs', 'scheduler'],
  ['POST /api/plugins/activity-feed/jobs/daily/run', 'scheduler'],
  ['POST /api/plugins/github/webhooks/push', 'webhook-gateway'],
  ['GET /api/plugins/github/webhooks', 'webhook-gateway'],
  ['POST /api/plugins/github/webhooks/requests/9/replay', 'webhook-gateway'],
])('%s belongs to the %s', (request, owner) => {
  const [method = '', path = ''] = request.split(' ');
  expect(ownerOfPath(method, path)).toBe(owner);
});

test.each([
  '/api/risks',
  '/api/pluginsx',
  '/api/marketplaces',
  '/internal/cluster',
  '/api/plugins/../../internal/cluster',
  '/api/plugins/x/%2e%2e/y',
])('%s is none of the plugin platform', (path) => {
  expect(ownerOfPath('GET', path)).toBeUndefined();
});
