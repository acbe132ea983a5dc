// Leaves timers behind, and forgets them.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      for (let timer = 0; timer < 10_000; timer += 1) setInterval(() => undefined, 250 + (timer % 500));
    },
  }),
};
