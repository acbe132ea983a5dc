// Asks the platform for far more than can be answered: by its context for a second, and past it for another.
const { writeSync } = require('node:fs');
const { serialize } = require('node:v8');
const body = serialize({ kind: 'call', id: 2 ** 40, call: 'plugins.isEnabled', request: ['x'.repeat(1_000)] });
const packet = Buffer.alloc(4 + body.length);
packet.writeUInt32BE(body.length);
body.copy(packet, 4);
const packets = Buffer.concat(Array(1_000).fill(packet));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function ask(context) {
  for (const until = Date.now() + 1_000; Date.now() < until; await wait(10)) {
    for (let times = 0; times < 300; times += 1) context.isPluginEnabled('nobody').catch(() => undefined);
  }
}
async function flood() {
  // What was begun is written to its end: half a packet is no message.
  for (let written = 0, until = Date.now() + 1_000; Date.now() < until || written > 0;) {
    try {
      written = (written + writeSync(3, packets, written)) % packets.length;
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      await wait(1);
    }
  }
}
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'(payload, context) {
      void ask(context)
        .then(flood)
        .then(() => console.log('the harm is done'));
    },
  }),
};
