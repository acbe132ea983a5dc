import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LoneIsolate } from '../testing/lone-isolate.ts';

const ECHO = `module.exports = {
  routes(router) {
    router.get('/echo', (req, res) => {
      const { headers, rawHeaders, headersDistinct, tenantId, url, originalUrl } = req;
      res.json({ tenantId, seen: JSON.stringify({ headers, rawHeaders, headersDistinct, url, originalUrl }) });
    });
  },
  webhooks: () => ({ echo: { handler: (req, res) => res.json({ tenantId: req.tenantId }) } }),
};`;

let isolate: LoneIsolate;
beforeAll(async () => {
  isolate = await LoneIsolate.start({ files: { 'index.js': ECHO } });
});
afterAll(() => isolate.stop());

async function ask(path: string, headers: Record<string, string> = {}) {
  const { socketPath } = isolate;
  const [answer] = (await once(request({ socketPath, path, headers }).end(), 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: JSON.parse((await answer.toArray()).join('')) as Record<string, unknown> };
}

test('an isolate answers its runner, and shows the plugin nothing of what they say to each other', async () => {
  const { status, body } = await ask(isolate.pathOf('/api/plugins/lone/echo?a=1'), { 'x-mine': 'yes' });
  expect([status, body.tenantId]).toEqual([200, 'acme']);
  expect(body.seen).toContain('x-mine');
  expect(body.seen).toContain('/api/plugins/lone/echo?a=1');
  expect(body.seen).not.toContain(isolate.socketToken);
});

test.each(['/api/plugins/lone/echo', '/webhooks/echo'])('at %s nobody else is believed', async (path) => {
  const { socketToken } = isolate;
  const right = isolate.pathOf(path);
  const wrong = [
    path,
    `/${path}`,
    right.replace(socketToken, ''),
    right.replace(socketToken, `${socketToken.slice(0, -1)}?`),
  ];
  for (const asked of [...wrong, `/${socketToken}/`, `/${socketToken}`]) {
    expect(await ask(asked)).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHENTICATED' } } });
  }
});

/** What of Express is loaded when it is first used, one route each. */
const EXPRESS = `const { join } = require('node:path');
module.exports = {
  routes(router) {
    router.get('/cookie', (req, res) => { res.cookie('a', 'b c').type('txt').send('x'); });
    router.get('/file', (req, res) => { res.sendFile(join(__dirname, 'page.html')); });
    router.get('/attachment', (req, res) => { res.attachment('a b.csv').send('x'); });
    router.get('/format', (req, res) => { res.format({ 'text/plain': () => res.send('x'), 'text/html': () => res.send('<p>') }); });
    router.get('/accepts', (req, res) => { res.json(req.accepts(['html', 'json'])); });
    router.post('/form', (req, res) => { res.json({ is: req.is('urlencoded'), body: req.body }); });
    router.post('/json', (req, res) => { res.json(req.body); });
    router.get('/nobody', (req, res) => { res.json(req.body ?? null); });
  },
};`;

describe('the Express of a plugin', () => {
  let served: LoneIsolate;
  beforeAll(async () => {
    served = await LoneIsolate.start({ files: { 'index.js': EXPRESS, 'page.html': '<h1>page</h1>' } });
  });
  afterAll(() => served.stop());

  async function get(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) {
    const { socketPath } = served;
    const asked = request({ socketPath, path: served.pathOf(`/api/plugins/lone${path}`), headers, method }).end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, headers: answer.headers, text: (await answer.toArray()).join('') };
  }

  test('writes cookies and finds media types', async () => {
    expect((await get('/cookie')).headers).toMatchObject({
      'set-cookie': ['a=b%20c; Path=/'],
      'content-type': 'text/plain; charset=utf-8',
    });
  });

  test('sends files of the package, and says how to keep a download', async () => {
    expect(await get('/file')).toMatchObject({
      status: 200,
      text: '<h1>page</h1>',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
    expect((await get('/attachment')).headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="a b.csv"',
    });
  });

  test('answers in the form that is accepted, or 406', async () => {
    expect((await get('/format', { accept: 'text/html' })).text).toBe('<p>');
    expect((await get('/format', { accept: 'image/png' })).status).toBe(406);
    expect((await get('/accepts', { accept: 'application/json' })).text).toBe('"json"');
  });

  test('answers 304 to who has the same already', async () => {
    const { etag = '' } = (await get('/nobody')).headers;
    expect((await get('/nobody', { 'if-none-match': etag })).status).toBe(304);
  });

  test('reads forms and JSON; without a body there is none', async () => {
    const form = await get('/form', { 'content-type': 'application/x-www-form-urlencoded' }, 'POST', 'a[b]=1');
    expect(JSON.parse(form.text)).toEqual({ is: 'urlencoded', body: { a: { b: '1' } } });
    const json = await get('/json', { 'content-type': 'application/json' }, 'POST', '{"a":[1]}');
    expect(json.text).toBe('{"a":[1]}');
    expect((await get('/json', { 'content-type': 'application/json' }, 'POST', '{')).status).toBe(400);
    expect((await get('/nobody')).text).toBe('null');
  });
});
