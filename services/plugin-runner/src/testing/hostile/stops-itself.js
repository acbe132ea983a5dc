// Stops its own process without ending it.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      process.kill(process.pid, 'SIGSTOP');
    },
  }),
};
