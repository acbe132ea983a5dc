import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { pluginRoutes, type ForwardingOptions } from './plugin-routes.ts';

const servers: Server[] = [];
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function quiet(): void {
  // These tests provoke the warnings.
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A host whose services are all at one address. */
async function host(serviceUrl: string, options: ForwardingOptions = {}, parseFirst = false): Promise<string> {
  const app = express();
  if (parseFirst) app.use(express.json());
  app.use(
    pluginRoutes({
      registryCacheUrl: serviceUrl,
      installerUrl: serviceUrl,
      runnerUrl: serviceUrl,
      schedulerUrl: serviceUrl,
      webhookGatewayUrl: serviceUrl,
      log: silent,
      ...options,
    }),
  );
  app.get('/api/risks', (_req, res) => {
    res.json('the host itself');
  });
  return serve(app as RequestListener);
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test('a request arrives with its method, path, query, token and body, and so does the answer', async () => {
  const service = await serve((req, res) => {
    void bodyOf(req).then((body) => {
      const { method, url, headers } = req;
      res.writeHead(201, { 'x-from': 'service', 'set-cookie': ['a=1', 'b=2'] });
      res.end(JSON.stringify({ method, url, authorization: headers.authorization, tenantHost: headers.host, body }));
    });
  });
  const url = await host(service);
  const answer = await fetch(`${url}/api/plugins/a/things?x=1&x=%2F`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer t', 'x-service-token': 'forged' },
    body: 'raw',
  });
  expect(answer.status).toBe(201);
  expect(answer.headers.get('x-from')).toBe('service');
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await answer.json()).toEqual({
    method: 'PATCH',
    url: '/api/plugins/a/things?x=1&x=%2F',
    authorization: 'Bearer t',
    tenantHost: new URL(url).host,
    body: 'raw',
  });
});

test('what only services may say is not passed on, where the request came from is', async () => {
  const service = await serve((req, res) => res.end(JSON.stringify(req.headers)));
  const answer = await fetch(`${await host(service)}/api/plugins/a/x`, { headers: { 'x-service-token': 'forged' } });
  const headers = (await answer.json()) as Record<string, string>;
  expect(headers).not.toHaveProperty('x-service-token');
  expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
});

test("the host's own paths stay the host's", async () => {
  const service = await serve((_req, res) => res.end('service'));
  expect(await (await fetch(`${await host(service)}/api/risks`)).json()).toBe('the host itself');
});

test('a body that the host has parsed already is written again', async () => {
  const service = await serve((req, res) => {
    void bodyOf(req).then((body) => res.end(body));
  });
  const url = await host(service, {}, true);
  const answer = await fetch(`${url}/api/plugins/install`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{ "id":  "activity-feed" }',
  });
  expect(await answer.json()).toEqual({ id: 'activity-feed' });
});

test('an answer streams: its first part is there before its last is written', async () => {
  const finish = Promise.withResolvers<undefined>();
  const service = await serve((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: one\n\n');
    void finish.promise.then(() => res.end('data: two\n\n'));
  });
  const answer = await fetch(`${await host(service)}/api/plugins/operations/1/events`);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe('data: one\n\n');
  finish.resolve(undefined);
  expect((await reader?.read())?.value).toBe('data: two\n\n');
});

test('a request streams: the service has the first part before the client has sent the last', async () => {
  const service = await serve((req, res) => {
    req.once('data', () => res.write('got it;'));
    req.once('end', () => res.end('all of it'));
  });
  const url = new URL(`${await host(service)}/api/plugins/upload`);
  const upload = request(url, { method: 'POST' });
  upload.write('first');
  const [answer] = (await once(upload, 'response')) as [IncomingMessage];
  const [early] = (await once(answer, 'data')) as [Buffer];
  expect(early.toString()).toBe('got it;');
  upload.end('last');
  expect(await bodyOf(answer)).toBe('all of it');
});

test('a client that hangs up ends the request at the service', async () => {
  const arrived = Promise.withResolvers<IncomingMessage>();
  const service = await serve((req) => {
    // Node tells of the broken request by an error, too.
    req.on('error', quiet);
    arrived.resolve(req);
  });
  const url = await host(service);
  const leaving = new AbortController();
  const asked = fetch(`${url}/api/plugins/a/slow`, { signal: leaving.signal });
  const atService = await arrived.promise;
  leaving.abort();
  await expect(asked).rejects.toThrow();
  if (!atService.closed) await new Promise((resolve) => atService.once('close', resolve));
});

test('an answer that breaks off is seen to break off', async () => {
  const service = await serve((_req, res) => {
    res.writeHead(200, { 'content-length': '100' });
    res.write('half', () => res.destroy());
  });
  const answer = await fetch(`${await host(service)}/api/plugins/a/x`);
  await expect(answer.text()).rejects.toThrow();
});

test('a service that is not there is 503 in the usual envelope', async () => {
  const gone = await serve((_req, res) => res.end());
  const server = servers.pop();
  server?.close();
  const answer = await fetch(`${await host(gone)}/api/plugins`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toEqual({
    success: false,
    error: { code: 'UNAVAILABLE', message: 'The installer cannot be reached; try again in a moment' },
  });
});

test('a service that breaks off before it answers is 502', async () => {
  const service = await serve((req) => req.socket.destroy());
  const answer = await fetch(`${await host(service)}/api/marketplace`, { method: 'POST', body: 'x' });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ error: { code: 'UPSTREAM_FAILED' } });
});

test('a service that does not answer in time is 504', async () => {
  const service = await serve(() => undefined);
  const answer = await fetch(`${await host(service, { deadlineMs: 20 })}/api/plugins/a/x`);
  expect(answer.status).toBe(504);
  expect(await answer.json()).toMatchObject({ error: { code: 'TIMED_OUT' } });
});

test('all services may be behind one address', async () => {
  const service = await serve((req, res) => res.end(req.url));
  const app = express();
  app.use(pluginRoutes({ platformUrl: service, log: silent }));
  const url = await serve(app as RequestListener);
  for (const path of [
    '/api/marketplace',
    '/api/plugins',
    '/api/plugins/a/jobs',
    '/api/plugins/a/webhooks/x',
    '/api/plugins/a/x',
  ]) {
    expect(await (await fetch(url + path)).text()).toBe(path);
  }
});

test('an address that is no address is refused at start', async () => {
  await expect(host('ftp://files.example')).rejects.toThrow(/must begin with http/);
});
