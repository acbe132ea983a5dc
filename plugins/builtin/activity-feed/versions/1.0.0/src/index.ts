import type { EventHandlers, EventPayload, Plugin, PluginContext } from '@verifywise/plugin-types';
import manifest from '../manifest.json' with { type: 'json' };
import { activityOf } from './activity.ts';
import { Feed } from './feed.ts';
import { recordedEvents } from './recorded-events.ts';

// Routes are called without a context, so the feed is kept from onLoad to onUnload.
let feed: Feed | undefined;

function loadedFeed(): Feed {
  if (feed === undefined) throw new Error('The plugin is not loaded');
  return feed;
}

const plugin: Plugin = {
  manifest,

  onInstall({ logger, options }) {
    logger.info('Activity feed installed', { reason: options?.reason ?? 'install' });
  },

  onLoad(context: PluginContext) {
    feed = new Feed(context);
  },

  onUnload() {
    feed = undefined;
  },

  async onUninstall({ logger, metadata, options }) {
    if (options?.deleteData !== true) {
      logger.info('Activity feed uninstalled, activities kept');
      return;
    }
    const deleted = await metadata.deleteByPlugin();
    logger.info('Activity feed uninstalled, activities deleted', { deleted });
  },

  eventHandlers() {
    const handlers: EventHandlers = {};
    for (const event of recordedEvents) {
      handlers[event.name] = (payload: EventPayload) => loadedFeed().record(activityOf(event, payload));
    }
    return handlers;
  },

  routes(router) {
    router.get('/activity', async (_req, res) => {
      res.json({ success: true, data: { activities: await loadedFeed().activities() } });
    });
  },

  uiExtensions: {
    dashboardWidgets: [
      {
        widgetId: 'activity-feed-widget',
        pluginId: manifest.id,
        title: 'Recent Activity',
        template: 'activity-feed',
        endpoint: '/activity',
        config: { limit: 10, refreshInterval: 30, emptyMessage: 'Nothing has happened yet' },
      },
    ],
  },
};

export default plugin;
