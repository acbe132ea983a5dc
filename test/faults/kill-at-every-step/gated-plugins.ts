import { pluginArchive, type PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';

export const SURVIVOR = 'survivor';
/** What it needs. */
export const BASE = 'base';
/** What its second version needs as well. */
export const EXTRA = 'extra';
/** Ships with the platform. */
export const SHIPPED = 'shipped';
/** Ships with the platform, and needs what does not. */
export const BUNDLE = 'bundle';

export function isBuiltin({ id }: { id: string }): boolean {
  return id === SHIPPED || id === BUNDLE;
}

/** Plugins whose every hook comes by the gate at its beginning and at its end, and that leave traces of what they did in between. */
export function gatedPlugins(gateUrl: string): PluginArchive[] {
  const plugin = (id: string, version: string, dependencies = {}) =>
    pluginArchive(
      {
        ...{ id, version, dependencies, permissions: ['http:outbound', 'database:read', 'database:write'] },
        config: { region: { type: 'string', required: version === '2.0.0' }, token: { type: 'string', secret: true } },
      },
      { 'index.js': code(gateUrl, id, version) },
    );
  return [
    plugin(BASE, '1.0.0'),
    plugin(EXTRA, '1.0.0'),
    plugin(SURVIVOR, '1.0.0', { [BASE]: '>=1.0.0' }),
    plugin(SURVIVOR, '2.0.0', { [BASE]: '>=1.0.0', [EXTRA]: '^1.0.0' }),
    plugin(SHIPPED, '1.0.0'),
    plugin(BUNDLE, '1.0.0', { [BASE]: '*' }),
  ];
}

/** registry.json and the packages it lists, as a registry at this address serves them. */
export function registryFiles(url: string): ReadonlyMap<string, Buffer> {
  const listed = gatedPlugins(url).filter((one) => !isBuiltin(one));
  const files = new Map(listed.map((one) => [pathOf(one), one.bytes]));
  const byId = Map.groupBy(listed, ({ id }) => id);
  const plugins = [...byId.values()].map((versions) => {
    const entries = versions.map((one) => ({
      ...one.manifest,
      download: `${url}${pathOf(one)}`,
      checksum: one.checksum,
    }));
    return { ...entries.at(-1), versions: entries };
  });
  return files.set('/registry.json', Buffer.from(JSON.stringify({ version: '1.0.0', plugins })));
}

function pathOf({ id, version }: PluginArchive): string {
  return `/${id}-${version}.zip`;
}

function code(gateUrl: string, id: string, version: string): string {
  const table = `plugin_${id}_traces`;
  return `
const pass = async ({ tenant }, hook, where) => {
  const query = new URLSearchParams({ tenant, point: 'hook ' + hook + ' of ${id} ${version} ' + where });
  const { fail } = await (await fetch('${gateUrl}/pass?' + query)).json();
  if (fail) throw new Error('told to fail');
};
const hook = (name, work = () => {}) => async (context) => {
  await pass(context, name, 'entered');
  await work(context);
  await pass(context, name, 'leaving');
};
let context;
module.exports = {
  onInstall: hook('onInstall', async ({ db, metadata }) => {
    await db.query('CREATE TABLE IF NOT EXISTS ${table} (id serial PRIMARY KEY)');
    await db.query('ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS v${version.replaceAll('.', '_')} text');
    await metadata.set('system', 0, 'migrated', '${version}');
  }),
  onLoad: hook('onLoad'),
  onEnable: hook('onEnable', ({ scheduler }) => scheduler.schedule('yearly', () => {}, { cron: '0 0 1 1 *' })),
  onDisable: hook('onDisable'),
  onUnload: hook('onUnload'),
  onUninstall: hook('onUninstall'),
  routes: (router) => router.get('/version', (req, res) => res.json({ success: true, data: { version: '${version}' } })),
  webhooks: () => ({ v${version.charAt(0)}: { handler: (req, res) => res.end() } }),
};
`;
}
