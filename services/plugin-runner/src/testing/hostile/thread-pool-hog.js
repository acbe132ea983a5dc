// Keeps every thread of its pool busy with keys and files, for seconds.
const { pbkdf2, scrypt } = require('node:crypto');
const { readFile } = require('node:fs');
const ignore = () => undefined;
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      for (let job = 0; job < 200; job += 1) {
        pbkdf2('secret', `salt ${job}`, 50_000, 64, 'sha512', ignore);
        scrypt('secret', `salt ${job}`, 64, { N: 2 ** 14 }, ignore);
        readFile(__filename, ignore);
      }
    },
  }),
};
