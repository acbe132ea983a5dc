// Throws what is no error, one oddity an event; `later` throws it where nobody catches it.
const trap = new Proxy(
  {},
  {
    get() {
      throw new Error('do not look');
    },
    getPrototypeOf() {
      throw new Error('nor here');
    },
  },
);
const oddities = [
  null,
  undefined,
  'a string',
  42n,
  Symbol('odd'),
  Object.create(null),
  {
    get message() {
      throw new Error('from the message');
    },
  },
  Object.defineProperties(new Error('fine'), {
    message: {
      get() {
        throw new Error('from the message');
      },
    },
    stack: {
      get() {
        throw new Error('from the stack');
      },
    },
    code: {
      get() {
        throw new Error('from the code');
      },
    },
  }),
  trap,
  () => undefined,
];
module.exports = {
  eventHandlers: () => ({
    'risk:deleted'({ riskId, later }) {
      if (later) setTimeout(() => Promise.reject(oddities[riskId]));
      else throw oddities[riskId];
    },
  }),
};
