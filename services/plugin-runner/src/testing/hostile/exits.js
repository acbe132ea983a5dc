// Ends its process in the middle of a handler, by whatever way it finds.
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      for (const end of ['exit', 'reallyExit']) {
        try {
          process[end](0);
        } catch (error) {
          console.error(end, error.message);
        }
      }
      throw new Error('still there');
    },
  }),
};
