// Writes bytes that are no message to whatever file descriptors it has.
const { writeSync } = require('node:fs');
const garbage = [
  Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]),
  Buffer.from([0, 0, 0, 2, 255, 15, 0, 0, 0, 0]),
  Buffer.from('{"cmd":"NODE_HANDLE","type":"net.Socket"}\n'),
  Buffer.alloc(200_000, 0xff),
];
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      for (let fd = 3; fd < 40; fd += 1) {
        for (const bytes of garbage) {
          try {
            writeSync(fd, bytes);
          } catch {
            // Not a descriptor it may write to.
          }
        }
      }
    },
  }),
};
