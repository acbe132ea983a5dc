/** A plugin that uses every part of its context; `2.0.0` keeps a second column and shows it. */
export const LEDGER = 'ledger';

export function ledgerPlugin(version: '1.0.0' | '2.0.0') {
  const manifest = {
    id: LEDGER,
    name: 'Ledger',
    description: 'Uses every part of its context.',
    version,
    author: { name: 'VerifyWise' },
    type: 'feature',
    tags: ['test'],
    permissions: [
      'database:read',
      'database:write',
      'models:define',
      'events:listen',
      'events:emit',
      'filters:add',
      'middleware:inject',
      'config:read',
      'config:write',
    ],
    config: { currency: { type: 'string', default: 'EUR' }, token: { type: 'string', secret: true } },
    ui: { page: { title: `Ledger ${version}`, type: 'template', template: 'table', endpoint: '/state' } },
  };
  return { manifest, files: { 'index.js': code(version) } };
}

function code(version: string): string {
  return `
const VERSION = '${version}';
const TABLE = 'plugin_ledger_lines';
let context;

module.exports = {
  async onInstall({ db, models, metadata, options }) {
    await db.query('CREATE TABLE IF NOT EXISTS ' + TABLE + ' (id serial PRIMARY KEY, text text NOT NULL)');
    await db.query('ALTER TABLE ' + TABLE + " ADD COLUMN IF NOT EXISTS version text DEFAULT '" + VERSION + "'");
    models.define('Account', { name: { type: 'STRING', unique: true }, balance: { type: 'INTEGER', defaultValue: 0 } });
    await models.sync({ alter: true });
    await metadata.set('system', 0, 'installed', { reason: options.reason, from: options.fromVersion ?? null });
  },
  onLoad(ctx) { context = ctx; },
  async onEnable(ctx) {
    ctx.middleware.add('/api/risks/*', 'before', (req, res, next) => { req.ledger = VERSION; next(); });
    ctx.middleware.add('/api/risks/*', 'after', (req, res, next) => { res.locals.responseBody.ledger = req.ledger; next(); });
    ctx.on('plugin:ledger:written', ({ text }) => ctx.metadata.set('system', 0, 'announced', text));
    await ctx.scheduler.schedule('closing', close, { cron: '0 0 1 1 *' }, { by: 'schedule' });
  },
  async onUninstall({ db, options }) {
    if (options.deleteData) await db.query('DROP TABLE ' + TABLE);
  },
  eventHandlers: () => ({
    'risk:created': ({ risk }) => write('risk ' + risk.title),
  }),
  filterHandlers: () => ({
    'risk:before_save': (data) => ({ ...data, risk: { ...data.risk, ledger: VERSION } }),
  }),
  webhooks: () => ({
    payment: { async handler(req, res) { await write('payment ' + req.body.amount); res.json({ tenant: req.tenantId, version: VERSION }); } },
  }),
  uiExtensions: {
    dashboardWidgets: [{ widgetId: 'lines', title: 'Lines ' + VERSION, template: 'table', endpoint: '/state' }],
  },
  routes(router) {
    router.get('/state', async (req, res) => {
      const { rows } = await context.db.query('SELECT text FROM ' + TABLE + ' ORDER BY id');
      const accounts = await context.models.get('Account').findAll({ order: ['name'] });
      res.json({ success: true, data: {
        version: VERSION,
        tenant: req.tenantId,
        lines: rows.map(({ text }) => text),
        accounts: accounts.map((account) => account.get('name') + ' ' + account.get('balance')),
        announced: await context.metadata.get('system', 0, 'announced'),
        installed: await context.metadata.get('system', 0, 'installed'),
        currency: context.config.get('currency'),
        token: context.config.get('token') ?? null,
        jobs: (await context.scheduler.list()).map(({ name }) => name).sort(),
      } });
    });
    router.post('/accounts', async (req, res) => {
      const [account] = await context.models.get('Account').findOrCreate({ where: { name: req.body.name } });
      await account.update({ balance: account.balance + req.body.amount });
      res.status(201).json({ success: true });
    });
    router.post('/currency', async (req, res) => {
      await context.config.set('currency', req.body.currency);
      res.json({ success: true });
    });
    router.post('/close', async (req, res) => {
      await context.scheduler.scheduleOnce('close-now', close, 20, { by: req.body.by });
      res.status(202).json({ success: true });
    });
    router.post('/fail', async (req, res) => {
      await context.db.transaction(async (transaction) => {
        await transaction.query('INSERT INTO ' + TABLE + ' (text) VALUES ($1)', ['never']);
        await transaction.emit('plugin:ledger:written', { text: 'never' });
        throw new Error('changed its mind');
      }).catch((error) => res.json({ success: true, data: error.message }));
    });
  },
};

async function write(text) {
  context.logger.info('Writing: ' + text);
  await context.db.transaction(async (transaction) => {
    await transaction.query('INSERT INTO ' + TABLE + ' (text) VALUES ($1)', [text]);
    await transaction.emit('plugin:ledger:written', { text });
  });
}

async function close({ by }) {
  await write('closed by ' + by);
}
`;
}
