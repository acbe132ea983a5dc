// Says things to its runner as fast as it can, for a second; few of them true.
const { writeSync } = require('node:fs');
const { serialize } = require('node:v8');
const surface = { events: [], filters: [], middleware: [], routes: [], jobs: [], webhooks: [], widgets: [], pages: [] };
const say = (message) => {
  const body = serialize(message);
  const packet = Buffer.alloc(4 + body.length);
  packet.writeUInt32BE(body.length);
  body.copy(packet, 4);
  for (let written = 0; written < packet.length;) {
    try {
      written += writeSync(3, packet, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      const until = Date.now() + 1_000;
      const flood = () => {
        for (let times = 0; times < 50; times += 1) {
          say({ kind: 'surface', surface: { ...surface, events: [`e${Math.random()}`, 'risk:deleted'] } });
          say({ kind: 'call', id: times, call: 'metadata.getAllByPlugin', request: [] });
          say({ kind: 'call', id: times, call: '__proto__', request: [] });
          say({ kind: 'answer', id: times, answer: null });
        }
        if (Date.now() < until) setImmediate(flood);
      };
      flood();
    },
  }),
};
