/**
 * A plugin that writes down every risk it hears, in order and each time it hears it, and shows them on `GET /seen`.
 * `before` runs in the handler, before the risk is written down.
 */
export function recorder({ version = '1.0.0', before = '', more = '' } = {}): string {
  return `
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) {
    ctx.on('risk:created', async (payload) => {
      ${before}
      const heard = (await ctx.metadata.get('log', 0, 'heard')) ?? [];
      await ctx.metadata.set('log', 0, 'heard', [...heard, { risk: payload.riskId, id: payload.eventId, version: '${version}' }]);
    });
  },
  routes(router) {
    router.get('/seen', async (req, res) => {
      const heard = (await context.metadata.get('log', 0, 'heard')) ?? [];
      res.json({ version: '${version}', tenant: req.tenantId, seen: heard.map(({ risk }) => risk), heard });
    });
    router.get('/throws', () => { throw new Error('secret detail'); });
  },
  ${more}
};`;
}
