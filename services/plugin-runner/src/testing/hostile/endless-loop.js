// Never gives the event loop back.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      for (;;);
    },
  }),
};
