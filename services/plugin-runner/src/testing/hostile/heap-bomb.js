// Fills its heap as fast as it can.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      const kept = [];
      for (;;) kept.push(new Array(100_000).fill(kept.length));
    },
  }),
};
