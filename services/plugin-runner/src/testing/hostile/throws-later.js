// Throws where nobody can catch it.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      setTimeout(() => {
        throw new Error('thrown later');
      });
    },
  }),
};
