/** A plugin that runs on `POST /query` what it is told, alone or several in one transaction, and answers what came of it. */
export const SQL_PLUGIN = `
let context;
const told = (error) => ({ error: { name: error.name, code: error.code, message: error.message, details: error.details } });
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.post('/query', async (req, res) => {
      const { sql, params } = req.body;
      try { res.json(await context.db.query(sql, params)); } catch (error) { res.json(told(error)); }
    });
    router.post('/transaction', async (req, res) => {
      const { statements = [], events = [], fails = false, hold } = req.body;
      const answers = [];
      try {
        await context.db.transaction(async (t) => {
          for (const sql of statements) answers.push(await t.query(sql));
          for (const payload of events) await t.emit('plugin:' + context.pluginId + ':done', payload);
          if (hold) await new Promise((resolve) => setTimeout(resolve, hold));
          if (fails) throw new Error('changed my mind');
        });
        res.json({ answers });
      } catch (error) { res.json({ answers, ...told(error) }); }
    });
    router.get('/speed', async (req, res) => {
      const rounds = Number(req.query.rounds);
      await context.db.query(req.query.sql);
      const start = process.hrtime.bigint();
      for (let i = 0; i < rounds; i += 1) await context.db.query(req.query.sql);
      res.json({ perSecond: rounds / (Number(process.hrtime.bigint() - start) / 1e9) });
    });
  },
};`;

/** What `POST /query` answers. */
export interface SqlAnswer {
  rows: Record<string, unknown>[];
  rowCount: number;
  error?: { name: string; code: string; message: string; details?: Record<string, unknown> };
}
