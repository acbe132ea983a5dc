import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

interface Shown {
  dashboardWidgets: { widgetId: string; pluginId: string; title: string }[];
  pages: { title: string; pluginId: string; type: string }[];
}

const widget = (widgetId: string, more = {}) => ({
  ...{ widgetId, pluginId: 'somebody-else', title: `Title of ${widgetId}`, template: 'stats-card', endpoint: '/stats' },
  ...more,
});

/** A plugin whose code offers this. */
const offering = (uiExtensions: string, more = '') => `module.exports = { uiExtensions: ${uiExtensions}, ${more} };`;

describe('GET /api/plugins/ui-extensions', () => {
  let room: RunnerRoom;
  let runners: RunnerProcess[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runners = [await room.startRunner(), await room.startRunner()];
  });
  afterAll(() => room.close());

  async function shown(tenant: string): Promise<Shown> {
    const [one, other] = await Promise.all(
      runners.map(async (runner) => {
        const answer = await runner.fetch(tenant, '/api/plugins/ui-extensions', { role: 'Viewer' });
        return ((await answer.json()) as { data: Shown }).data;
      }),
    );
    expect(one).toEqual(other);
    return one as Shown;
  }
  const idsOf = ({ dashboardWidgets }: Shown) => dashboardWidgets.map(({ widgetId }) => widgetId);

  test('has what code and manifest of the enabled plugins offer, in a stable order, each as its own plugin’s', async () => {
    const code = JSON.stringify({ dashboardWidgets: [widget('z'), widget('a', { config: { refreshInterval: 30 } })] });
    const page = { title: 'Board', type: 'iframe', url: '/board', pluginId: 'somebody-else' };
    const second = await room.enabled({
      ...{ tenant: 'acme', id: 'second', code: offering(code) },
      manifest: { ui: { dashboardWidgets: [widget('m'), widget('z')], page } },
    });
    await room.enabled({
      ...{
        tenant: 'acme',
        id: 'first',
        code: offering(`{ pages: [{ title: 'Data', type: 'api', endpoint: '/data' }] }`),
      },
      manifest: { ui: { dashboardWidgets: [widget('only')] } },
    });
    await eventually(async () => expect(idsOf(await shown('acme'))).toEqual(['only', 'z', 'a', 'm']));
    const { dashboardWidgets, pages } = await shown('acme');
    expect(dashboardWidgets.map(({ pluginId }) => pluginId)).toEqual(['first', 'second', 'second', 'second']);
    expect(dashboardWidgets[2]).toEqual({
      ...widget('a', { pluginId: 'second', config: { refreshInterval: 30 } }),
    });
    expect(pages).toEqual([
      { title: 'Data', type: 'api', endpoint: '/data', pluginId: 'first' },
      { ...page, pluginId: 'second' },
    ]);
    await room.disable(second);
    await eventually(async () => expect(idsOf(await shown('acme'))).toEqual(['only']));
    expect((await shown('acme')).pages).toHaveLength(1);
  });

  test('two tenants on two versions see each their own, and others nothing', async () => {
    const version = (tenant: string, version: string) =>
      room.enabled({
        ...{ tenant, version, id: 'versions' },
        code: offering(JSON.stringify({ dashboardWidgets: [widget(`of-${version}`)] })),
      });
    await version('beta', '1.0.0');
    await version('gamma', '2.0.0');
    await eventually(async () => expect(idsOf(await shown('beta'))).toEqual(['of-1.0.0']));
    await eventually(async () => expect(idsOf(await shown('gamma'))).toEqual(['of-2.0.0']));
    expect(await shown('nobody')).toEqual({ dashboardWidgets: [], pages: [] });
    expect((await fetch(`${runners[0]?.url ?? ''}/api/plugins/ui-extensions`)).status).toBe(401);
  });

  test('what is wrong is left out alone, and the plugin’s log says once which field and why', async () => {
    const code = `(() => {
      const round = { widgetId: 'round' };
      round.self = round;
      const good = ${JSON.stringify(widget('good'))};
      return {
        dashboardWidgets: [
          { ...good, widgetId: 'hologram', template: 'hologram' }, null, 'text', round, { ...good, component: () => 1 },
          { ...good, widgetId: 'outside', endpoint: 'https://elsewhere.example.com' }, { ...good, title: 'Another' },
        ],
        pages: { title: 'No list', type: 'popup' },
      };
    })()`;
    const listens = `onEnable(ctx) { for (const event of ['risk:created', 'risk:updated', 'risk:deleted']) ctx.on(event, () => 0); }`;
    await room.enabled({
      ...{ tenant: 'delta', id: 'careless', code: offering(code, listens) },
      manifest: {
        ui: { dashboardWidgets: 'all', page: { title: 'Frame', type: 'iframe', url: 'javascript:alert(1)' } },
      },
    });
    await eventually(async () => expect(idsOf(await shown('delta'))).toEqual(['good']));
    expect((await shown('delta')).pages).toEqual([]);
    await eventually(async () => {
      const { body } = (await runners[0]?.get('delta', '/api/plugins/careless/logs?search=left+out')) ?? {};
      const messages = (body?.data as { lines: { message: string }[] }).lines.map(({ message }) => message);
      expect(messages).toHaveLength(9);
      for (const expected of [
        /dashboard widget.*"dashboardWidgets\.0\.template".*not allowed.*card-grid/,
        /dashboardWidgets\.1".*type object/,
        /dashboardWidgets\.5\.endpoint".*beginning with \//,
        /"good" is the widgetId of an earlier/,
        /page.*"pages\.0".*unknown type.*iframe/,
        /page.*"pages\.1\.url".*cannot be shown/,
      ]) {
        expect(messages).toContainEqual(expect.stringMatching(expected));
      }
    });
  });
});
