// Ends its process the rude way.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      process.abort();
    },
  }),
};
