// Calls itself until its stack is over.
const down = (depth) => down(depth + 1) + 1;
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      down(0);
    },
  }),
};
