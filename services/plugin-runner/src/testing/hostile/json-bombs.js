// Hands the platform values that are too deep, too wide or too odd.
const deep = (levels) => {
  let value = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};
const circle = {};
circle.circle = circle;
const values = {
  deep: deep(200_000),
  quiteDeep: deep(5_000),
  wide: Object.fromEntries(Array.from({ length: 90_000 }, (_, key) => [`k${key}`, key])),
  long: 'x'.repeat(8_000_000),
  circle,
  bigint: 1n,
  func: () => undefined,
  map: new Map([[circle, circle]]),
  toJson: { toJSON: () => ({ ...deep(5_000) }) },
};
module.exports = {
  routes(router) {
    router.get('/harm/:value', async (req, res) => {
      const value = values[req.params.value];
      const { context } = module.exports;
      const outcomes = [];
      const acts = [
        () => context.emit('plugin:recorder:bomb', { value }),
        () => context.metadata.set('bomb', 0, 'bomb', value),
        () => context.applyFilters('bomb', { value }),
        () => context.db.query('SELECT $1', [value]),
        () => context.config.set('bomb', value),
        async () => context.logger.error('bomb', value),
        async () => console.log(value),
      ];
      for (const act of acts) {
        outcomes.push(
          await act().then(
            () => 'taken',
            (error) => error.code ?? error.name,
          ),
        );
      }
      res.json({ outcomes });
    });
    router.get('/answer', (req, res) => res.send('['.repeat(3_000_000)));
  },
  webhooks: () => ({ answer: { handler: (req, res) => res.json(values.wide) } }),
  onLoad(context) {
    module.exports.context = context;
  },
};
