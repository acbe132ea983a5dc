// Registers more than anybody counts, while it is enabled.
module.exports = {
  eventHandlers: () => ({
    async 'risk:deleted'(payload, context) {
      const handler = () => undefined;
      for (let name = 0; name < 100_000; name += 1) context.on(`plugin:recorder:event-${name}`, handler);
    },
  }),
};
