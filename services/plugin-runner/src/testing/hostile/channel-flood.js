// Says things to its runner as fast as it can, for a second; few of them true.
const surface = { events: [], filters: [], middleware: [], routes: [], jobs: [], webhooks: [], widgets: [], pages: [] };
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'() {
      if (!process.send) return;
      const until = Date.now() + 1_000;
      const say = () => {
        for (let times = 0; times < 50; times += 1) {
          process.send({ kind: 'surface', surface: { ...surface, events: [`e${Math.random()}`, 'risk:deleted'] } });
          process.send({ kind: 'call', id: times, call: 'metadata.getAllByPlugin', request: [] });
          process.send({ kind: 'call', id: times, call: '__proto__', request: [] });
          process.send({ cmd: 'NODE_CHANNEL_PAUSE' });
          process.send({ cmd: 'NODE_HANDLE', type: 'net.Server' });
        }
        if (Date.now() < until) setImmediate(say);
      };
      say();
    },
  }),
};
