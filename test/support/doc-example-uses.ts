import { createHmac } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Broker } from '../../shared/broker/src/index.ts';
import { RunFilters, RunMiddleware, type MiddlewareRun } from '../../shared/contracts/src/index.ts';
import { eventually } from './eventually.ts';
import type { PluginAuthor } from './plugin-author.ts';

/** Who and what an example of docs/plugin-authors is used with. */
export interface Around {
  author: PluginAuthor;
  /** The platform's own broker, which asks for filters and middleware as its gateway would. */
  host: Broker;
  /** A service outside of the platform that answers `{"up":true}`, at an address the operator allows. */
  outsideUrl: string;
}

export interface ExampleUse {
  /** What an admin sets before the plugin is enabled. */
  config?: Record<string, unknown>;
  /** Does what the page says the plugin does. */
  use(around: Around): Promise<void>;
}

/** What each page promises of its example, by the example's id. */
export const exampleUses: Record<string, ExampleUse> = {
  hello: {
    async use({ author }) {
      expect(await author.data('hello', '/greeting?name=Ada')).toEqual({ message: 'Hello, Ada!' });
      expect(await author.put('/api/plugins/hello/config', { config: { greeting: 'Moin' } })).toMatchObject({
        status: 200,
      });
      await eventually(async () =>
        expect(await author.data('hello', '/greeting')).toEqual({ message: `Moin, ${author.tenant}!` }),
      );
    },
  },
  'hello-typed': {
    async use({ author }) {
      await author.risk(await author.project('Typed'), 'A typed risk');
      await eventually(async () =>
        expect(await author.data('hello-typed', '/risks')).toEqual({ risks: [expect.any(Number)] }),
      );
    },
  },
  'feed-digest': {
    async use({ author }) {
      expect(await author.data('feed-digest', '/feed')).toEqual({ enabled: true });
      const refused = await author.disable('activity-feed');
      expect(refused).toMatchObject({ status: 409, error: { code: 'DEPENDENTS_EXIST' } });
    },
  },
  'life-story': {
    async use({ author }) {
      const story = async () => ((await author.data('life-story', '/story')) as { story: string[] }).story;
      expect(await story()).toEqual(['install: install', 'load', 'enable']);
      await author.disable('life-story');
      await author.enable('life-story');
      expect((await story()).slice(3)).toEqual(['disable', 'unload', 'load', 'enable']);
    },
  },
  'ticket-sync': {
    config: { project: 'VW', apiToken: 'a secret token' },
    async use({ author }) {
      expect(await author.data('ticket-sync', '/settings')).toEqual({
        project: 'VW',
        limit: 20,
        cursor: 'the beginning',
        hasToken: true,
        keys: ['apiToken', 'labels', 'limit', 'project'],
      });
      await author.send('ticket-sync', '/cursor', { value: 'page 7' });
      expect(await author.data('ticket-sync', '/settings')).toMatchObject({ cursor: 'page 7' });
      expect(await author.send('ticket-sync', '/cursor', { key: 'limit', value: 1_000 })).toMatchObject({
        status: 422,
        error: { code: 'CONFIG_INVALID' },
      });
      const shown = await (await author.fetch('/api/plugins/ticket-sync/config')).text();
      expect(shown).toContain('apiToken');
      expect(shown).not.toContain('a secret token');
    },
  },
  'risk-notes': {
    async use({ author }) {
      await author.send('risk-notes', '/risks/7/notes/first', { text: 'Look at this' }, 'PUT');
      await author.send('risk-notes', '/risks/7/notes/second', 'words', 'PUT').catch(() => undefined);
      expect(await author.data('risk-notes', '/risks/7/notes')).toMatchObject({
        'note:first': { text: 'Look at this' },
      });
      expect(await author.data('risk-notes', '/notes')).toContainEqual({
        risk: 7,
        key: 'note:first',
        value: { text: 'Look at this' },
      });
      await author.fetch('/api/plugins/risk-notes/risks/7/notes', { method: 'DELETE' });
      expect(await author.data('risk-notes', '/risks/7/notes')).toEqual({});
    },
  },
  'expense-book': {
    async use({ author }) {
      const book = (expenses: object[]) => author.send('expense-book', '/expenses', { expenses });
      expect((await book([{ projectId: 1, cents: 500, note: 'train' }])).data).toBe(1);
      const half = await book([
        { projectId: 1, cents: 900 },
        { projectId: 1, cents: -1 },
      ]);
      expect(half.data).toEqual({ code: 'QUERY_FAILED', sqlState: '23514' });
      await eventually(async () =>
        expect(await author.data('expense-book', '/expenses')).toEqual({
          rows: [{ project: 1, cents: 500, note: 'train' }],
          booked: 1,
        }),
      );
      await author.project('Counted');
      expect(await author.data('expense-book', '/projects')).toEqual({ count: expect.any(Number) });
    },
  },
  'review-board': {
    async use({ author }) {
      const created = await author.send('review-board', '/reviews', {
        title: 'Model card',
        severity: 4,
        comments: ['a', 'b'],
      });
      expect(created).toMatchObject({ status: 201, data: { title: 'Model card', severity: 4, state: 'open' } });
      await author.send('review-board', '/reviews', { title: 'Small', severity: 1 });
      expect(await author.data('review-board', '/reviews?severity=2')).toEqual([
        expect.objectContaining({
          title: 'Model card',
          comments: [expect.objectContaining({ text: 'a' }), expect.objectContaining({ text: 'b' })],
        }),
      ]);
      const done = await author.send('review-board', `/reviews/${String(created.data.id)}/done`, {});
      expect(done.data).toBe('done');
      await author.project('Counted as well');
      expect(await author.data('review-board', '/projects')).toEqual(expect.any(Number));
    },
  },
  'risk-watcher': {
    async use({ author }) {
      await author.risk(await author.project('Watched'), 'Fire');
      await eventually(async () =>
        expect(await author.data('risk-watcher', '/noticed')).toEqual([
          { title: 'Fire', source: 'plugin:risk-watcher', isDate: true },
        ]),
      );
    },
  },
  'risk-labels': {
    async use({ author, host }) {
      const payload = { filter: 'risk:before_save', data: { risk: { title: 'Fire', severity: 'critical' } } };
      expect(await host.ask(RunFilters, { tenant: author.tenant, payload })).toEqual({
        data: { risk: { title: 'Fire', severity: 'critical', labels: ['checked', 'severe'] } },
        applied: 2,
        errors: [],
      });
      expect((await author.send('risk-labels', '/preview', { severity: 'low' })).data).toEqual({
        risk: { severity: 'low', labels: ['checked'] },
      });
    },
  },
  'title-guard': {
    async use({ author, host }) {
      const run = (payload: MiddlewareRun) => host.ask(RunMiddleware, { tenant: author.tenant, payload });
      const request = { method: 'POST', url: '/api/risks', headers: {}, body: {} };
      expect(await run({ phase: 'before', request })).toMatchObject({
        kind: 'respond',
        pluginId: 'title-guard',
        response: { status: 422, body: { error: { code: 'TITLE_MISSING' } } },
      });
      const before = await run({ phase: 'before', request: { ...request, body: { title: 'Fire' } } });
      expect(before).toMatchObject({ kind: 'continue', state: { begunAt: expect.any(Number) } });
      const response = { status: 201, headers: {}, body: { success: true } };
      expect(await run({ phase: 'after', request, state: before.state, response })).toMatchObject({
        kind: 'continue',
        response: { body: { success: true, checkedBy: 'title-guard', carried: true } },
      });
    },
  },
  'route-tour': {
    async use({ author }) {
      const at = (path: string, init?: RequestInit) => author.fetch(`/api/plugins/route-tour${path}`, init);
      expect(await author.data('route-tour', '/who')).toMatchObject({ tenant: author.tenant, role: 'Admin' });
      expect((await author.send('route-tour', '/echo', { a: [1] })).data).toEqual({ a: [1] });
      expect((await at('/admins-only', { method: 'DELETE' })).status).toBe(204);
      expect((await (await at('/numbers.csv')).text()).split('\n')).toHaveLength(1_001);
      const failed = await at('/fails');
      expect(failed.status).toBe(500);
      expect(await failed.text()).not.toContain('SELECT');
      expect(await author.data('route-tour', '/config')).not.toBe('hidden by a path of the platform');
      expect(await author.data('route-tour', '/_/config')).toBe('hidden by a path of the platform');
    },
  },
  'issue-hook': {
    config: { secret: 'shared with the sender' },
    async use({ author }) {
      const url = await author.webhookUrl('issue-hook', 'issues');
      const comments = await author.webhookUrl('issue-hook', 'comments');
      const send = (body: string, secret: string, to = url) => {
        const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
        const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature };
        return fetch(to, { method: 'POST', headers, body });
      };
      const body = JSON.stringify({ issue: 7, title: 'It burns' });
      expect((await send(body, 'shared with the sender')).status).toBe(201);
      expect((await send(body.replace('7', '8'), 'guessed')).status).toBe(401);
      expect(await (await fetch(`${url}?hub.challenge=1158201444`)).text()).toBe('1158201444');
      expect((await send(body, 'shared with the sender', comments)).status).toBe(202);
      expect((await send(body, 'guessed', comments)).status).toBe(401);
      expect(await author.data('issue-hook', '/issues')).toEqual([{ issue: 7, title: 'It burns' }]);
    },
  },
  'daily-digest': {
    async use({ author }) {
      await author.send('daily-digest', '/now', {});
      await eventually(async () =>
        expect(await author.data('daily-digest', '/digests')).toMatchObject({
          digests: [{ kind: 'wanted', attemptsMade: 0 }],
          jobs: expect.arrayContaining([{ name: 'morning', kind: 'repeating', cron: '0 7 * * 1-5' }]),
        }),
      );
    },
  },
  'status-check': {
    async use({ author, outsideUrl }) {
      const ask = (url: string) => author.get(`/api/plugins/status-check/status?url=${encodeURIComponent(url)}`);
      expect((await ask(outsideUrl)).data).toEqual({ status: 200, body: { up: true } });
      for (const inside of ['http://127.0.0.1:4999/', 'http://169.254.169.254/', 'http://[::1]:4999/']) {
        expect(await ask(inside)).toMatchObject({ status: 502, error: { code: 'EGRESS_REFUSED' } });
      }
    },
  },
  'report-cache': {
    async use({ author }) {
      expect(await author.data('report-cache', '/about')).toBe('Report Cache');
      await author.send('report-cache', '/report', { pages: 3 }, 'PUT');
      expect(await author.data('report-cache', '/report')).toEqual({ pages: 3 });
      expect(await author.data('report-cache', '/elsewhere')).toBe('PERMISSION_DENIED');
    },
  },
  'risk-widgets': {
    async use({ author }) {
      const offered = (await author.get('/api/plugins/ui-extensions')).data;
      expect(offered.dashboardWidgets).toContainEqual(
        expect.objectContaining({ pluginId: 'risk-widgets', widgetId: 'severe-risks', template: 'stats-card' }),
      );
      expect(offered.pages).toContainEqual(
        expect.objectContaining({ pluginId: 'risk-widgets', title: 'Risk numbers', endpoint: '/table' }),
      );
      expect(await author.data('risk-widgets', '/severe')).toMatchObject({ value: 3 });
      expect(await author.data('risk-widgets', '/table')).toMatchObject({ total: 1 });
    },
  },
  'asks-politely': {
    async use({ author }) {
      const tell = async () => (await author.send('asks-politely', '/tell', { words: 'hi' })).data;
      expect(await tell()).toBe('told');
      await author.put('/api/plugins/asks-politely/permissions', { granted: [] });
      await eventually(async () => expect(await tell()).toBe('kept for later'));
      expect(await author.plugin('asks-politely')).toMatchObject({ state: 'enabled' });
    },
  },
  careful: {
    async use({ author }) {
      expect(await author.data('careful', '/codes')).toEqual({
        'a metadata value that is too large': 'METADATA_TOO_LARGE',
        'an entity that is no number': 'METADATA_INVALID',
        "somebody else's event": 'EVENT_INVALID',
        'a setting that was not granted': 'PERMISSION_DENIED',
        'a job without a time': 'SCHEDULE_INVALID',
      });
    },
  },
  talkative: {
    async use({ author }) {
      await author.send('talkative', '/talk', { words: 'loud and clear' });
      await eventually(async () => {
        const logs = await (await author.fetch('/api/plugins/talkative/logs')).text();
        for (const line of ['Said', 'on the console: loud and clear', 'It went wrong']) expect(logs).toContain(line);
      });
      await author.send('talkative', '/crash', {});
      await eventually(async () =>
        expect(await author.plugin('talkative')).toMatchObject({
          state: 'error',
          lastError: { message: expect.stringContaining('nobody catches this') },
        }),
      );
    },
  },
};
