// Emits events of a hundred megabytes, one after the other.
module.exports = {
  eventHandlers: () => ({
    async 'risk:deleted'(payload, context) {
      const text = 'x'.repeat(100_000_000);
      await context.emit('plugin:recorder:giant', { text });
    },
  }),
};
