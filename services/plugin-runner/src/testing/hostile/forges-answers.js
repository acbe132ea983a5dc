// Answers in its isolate's place, before it can, with what is no answer to anything.
const { writeSync } = require('node:fs');
const { serialize } = require('node:v8');
const failure = { handler: 0, message: 'forged' };
const answers = [
  {},
  null,
  { errors: {}, left: [] },
  { errors: [null], left: [] },
  { errors: [{ ...failure, retry: { attempts: 5, backoff: null } }], left: [] },
  { errors: [{ ...failure, retry: { attempts: 5, backoff: { type: 'fixed', delay: {} } } }], left: [] },
  { errors: [], left: ['none'] },
  { errors: [], left: [0, 1, 2, 3] },
  { errors: [{ message: {}, stack: 7 }], left: [] },
];
const say = (message) => {
  const body = serialize(message);
  const packet = Buffer.alloc(4 + body.length);
  packet.writeUInt32BE(body.length);
  body.copy(packet, 4);
  writeSync(3, packet);
};
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'({ riskId }) {
      for (let id = 1; id < 200; id += 1) say({ kind: 'answer', id, answer: answers[riskId] });
    },
  }),
  onEnable(ctx) {
    return ctx.scheduler.schedule(
      'job',
      () => {
        for (let id = 1; id < 200; id += 1) say({ kind: 'answer', id, answer: { done: true } });
      },
      { cron: '0 0 * * *' },
    );
  },
};
