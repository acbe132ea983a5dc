// Takes everything and answers nothing.
const never = () => new Promise(() => undefined);
module.exports = {
  onInstall: (context) => (context.config.get('hook') === 'onInstall' ? never() : undefined),
  onEnable(context) {
    if (context.config.get('hook') === 'onEnable') return never();
    context.scheduler.schedule('job', never, { every: 3_600_000 }).catch(() => undefined);
    context.addFilter('risk:before_save', never);
    context.middleware.add('/api/risks/*', 'before', never);
    return undefined;
  },
  eventHandlers: () => ({ 'risk:deleted': never }),
  webhooks: () => ({ hook: { handler: never } }),
  routes(router) {
    router.get('/harm', never);
  },
};
