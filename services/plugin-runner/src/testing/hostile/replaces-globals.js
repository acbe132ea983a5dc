// Breaks the language it runs in.
const broken = () => {
  throw new Error('broken by a plugin');
};
const breakEverything = () => {
  Array.prototype.push = broken;
  Array.prototype.map = broken;
  Array.prototype[Symbol.iterator] = broken;
  Object.prototype.toJSON = () => 'broken';
  Object.prototype.kind = 'unhandled';
  Object.keys = broken;
  Object.entries = broken;
  Map.prototype.get = broken;
  JSON.parse = broken;
  JSON.stringify = broken;
  Promise.prototype.then = broken;
  globalThis.Promise = broken;
  globalThis.setTimeout = broken;
  globalThis.Error = broken;
  process.on = broken;
  process.emit = broken;
  Buffer.from = broken;
  Function.prototype.call = broken;
};
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      breakEverything();
    },
  }),
};
