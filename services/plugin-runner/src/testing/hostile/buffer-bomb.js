// Takes memory outside of its heap, and touches it, while its event loop turns.
const kept = [];
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      setInterval(() => {
        if (kept.length < 64) kept.push(Buffer.alloc(32 * 1024 * 1024, kept.length + 1));
      }, 5);
    },
  }),
};
