// Cuts itself off from its runner, and stays.
const { closeSync } = require('node:fs');
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      closeSync(3);
    },
  }),
};
