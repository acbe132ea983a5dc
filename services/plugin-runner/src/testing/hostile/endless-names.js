// Emits events, and asks for things, whose names are longer than the messages that could refuse them.
const { writeSync } = require('node:fs');
const { serialize } = require('node:v8');
const LARGEST = 64 * 1024 * 1024;
const say = async (message) => {
  const body = serialize(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  for (const bytes of [length, body]) {
    for (let written = 0; written < bytes.length;) {
      try {
        written += writeSync(3, bytes, written, Math.min(65_536, bytes.length - written));
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }
};
module.exports = {
  eventHandlers: () => ({
    'risk:deleted': (payload, context) => void harm(context).then(() => console.log('the harm is done')),
  }),
};
async function harm(context) {
  await context.emit('\u0001'.repeat(12_000_000), {}).catch((error) => console.log(error.message.length));
  await context.metadata.get('risk', 1, '\u0001'.repeat(12_000_000)).catch(() => undefined);
  // One byte below the largest message: quoted by an error, it would be above it.
  await say({ kind: 'call', id: 7, call: 'x'.repeat(LARGEST - 200), request: [] });
}
