// Leaves a rejected promise alone.
module.exports = {
  eventHandlers: () => ({
    async 'risk:deleted'() {
      Promise.reject(new Error('left alone'));
    },
  }),
};
