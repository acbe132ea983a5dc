import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { LoneIsolate } from '../testing/lone-isolate.ts';

const SECRET = 'hush';
const CODE = `module.exports = {
  webhooks: () => ({
    strict: { handler: (req, res, ctx) => { ctx.webhooks.verify('github', '${SECRET}', req); res.json({ heard: req.body }); } },
    lenient: { handler: (req, res, ctx) => {
      try { ctx.webhooks.verify('github', '${SECRET}', req); } catch (error) { res.status(202).json({ name: error.name, code: error.code }); }
    } },
  }),
};`;

let isolate: LoneIsolate;
beforeAll(async () => {
  isolate = await LoneIsolate.start({ files: { 'index.js': CODE } });
});
afterAll(() => isolate.stop());

async function send(webhook: string, body: string, signed = body) {
  const signature = createHmac('sha256', SECRET).update(signed).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${signature}`,
  };
  const path = isolate.pathOf(`/webhooks/${webhook}`);
  const [answer] = (await once(
    request({ socketPath: isolate.socketPath, method: 'POST', path, headers }).end(body),
    'response',
  )) as [IncomingMessage];
  return { status: answer.statusCode, body: JSON.parse((await answer.toArray()).join('')) as unknown };
}

test('a webhook whose signature fits reaches its handler, over the bytes as they were sent', async () => {
  expect(await send('strict', '{ "a" :\n1}')).toEqual({ status: 200, body: { heard: { a: 1 } } });
});

test('one whose signature does not fit is answered with 401 when its handler lets the error pass', async () => {
  expect(await send('strict', '{"a":1}', '{"a":2}')).toEqual({
    status: 401,
    body: { success: false, error: { code: 'SIGNATURE_INVALID', message: expect.any(String) } },
  });
  const told = () => isolate.said.filter((message) => message.kind === 'log' && message.level === 'warn');
  await eventually(() => expect(told()).toHaveLength(1));
});

test('a handler may answer otherwise', async () => {
  expect(await send('lenient', '{"a":1}', '{"a":2}')).toEqual({
    status: 202,
    body: { name: 'SignatureError', code: 'SIGNATURE_INVALID' },
  });
});
