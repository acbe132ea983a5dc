import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
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
  const wrong = [path, `/${path}`, right.replace(socketToken, ''), right.replace(socketToken, `${socketToken.slice(0, -1)}?`)];
  for (const asked of [...wrong, `/${socketToken}/`, `/${socketToken}`]) {
    expect(await ask(asked)).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHENTICATED' } } });
  }
});
