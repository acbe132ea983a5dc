// Cuts itself off from its runner, and stays.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      process.removeAllListeners('disconnect');
      process.disconnect();
    },
  }),
};
